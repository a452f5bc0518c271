// A stock Helia node that takes orders, one JSON object a line, and answers each with one.
// It listens on its host's loopback only, asks the DHT of private networks, and ends with its
// standard input.
import { createWriteStream } from 'node:fs'
import { mkdir, readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { pipeline } from 'node:stream/promises'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { withBitswap } from '@helia/bitswap'
import { ipns } from '@helia/ipns'
import { withLibp2pLight } from '@helia/libp2p'
import { unixfs } from '@helia/unixfs'
import { identify } from '@libp2p/identify'
import { kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createHeliaLight } from 'helia'
import { exporter } from 'ipfs-unixfs-exporter'
import { CID } from 'multiformats/cid'

const helia = await withBitswap(withLibp2pLight(createHeliaLight(), {
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  services: {
    identify: identify(),
    ping: ping(),
    dht: kadDHT({
      protocol: '/ipfs/lan/kad/1.0.0',
      peerInfoMapper: passthroughMapper,
      clientMode: true
    })
  }
})).start()
const files = unixfs(helia)
const names = ipns(helia)

async function * below (folder, path = '') {
  for (const name of (await readdir(join(folder, path))).sort()) {
    const inside = join(path, name)
    if ((await stat(join(folder, inside))).isDirectory()) {
      yield * below(folder, inside)
    } else {
      yield { path: inside, content: await readFile(join(folder, inside)) }
    }
  }
}

async function add (path) {
  let root
  for await (const entry of files.addAll(below(path), { wrapWithDirectory: true })) {
    root = entry.cid
  }
  return { cid: root.toString() }
}

async function fetch (cid, path) {
  const entry = await exporter(cid, helia.blockstore)
  if (entry.type !== 'directory') {
    await pipeline(entry.content(), createWriteStream(path))
    return
  }
  await mkdir(path)
  let some = []
  for await (const child of entry.entries()) {
    some.push(fetch(child.cid, join(path, child.name)))
    if (some.length === 32) {
      await Promise.all(some)
      some = []
    }
  }
  await Promise.all(some)
}

// Whom the DHT names, and where it says they are.
async function providers (cid) {
  const found = {}
  const limit = { signal: AbortSignal.timeout(10_000) }
  for await (const { id, multiaddrs } of helia.libp2p.contentRouting.findProviders(cid, limit)) {
    found[id.toString()] = multiaddrs.map(String)
  }
  return { found }
}

// Signs a record for a name of its own and puts it into the DHT; how long that takes.
async function publish (name, cid) {
  const begin = performance.now()
  const { publicKey } = await names.publish(name, CID.parse(cid))
  return { key: publicKey.toCID().toString(), ms: performance.now() - begin }
}

// The first value of a name that is not known here, and how long that takes.
async function resolve (key) {
  const begin = performance.now()
  const limit = { signal: AbortSignal.timeout(60_000), nocache: true }
  for await (const { value } of names.resolve(CID.parse(key), limit)) {
    return { value, ms: performance.now() - begin }
  }
  throw new Error('nothing was found')
}

async function obey (order) {
  switch (order.do) {
    case 'connect':
      await helia.libp2p.dial(multiaddr(order.address))
      return {}
    case 'add':
      return add(order.path)
    case 'fetch':
      await fetch(CID.parse(order.cid), order.path)
      return {}
    case 'publish':
      return publish(order.name, order.cid)
    case 'resolve':
      return resolve(order.key)
    case 'connections':
      return { connections: helia.libp2p.getPeers().length }
    case 'providers':
      return providers(CID.parse(order.cid))
    default: {
      const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage()
      return { cpu: (userCPUTime + systemCPUTime) / 1e6, peak: maxRSS * 1024 }
    }
  }
}

const say = (answer) => process.stdout.write(JSON.stringify(answer) + '\n')
const lines = createInterface({ input: process.stdin })
lines.on('close', () => process.exit(0))
say({ id: helia.libp2p.peerId.toString(), address: helia.libp2p.getMultiaddrs()[0].toString() })
for await (const line of lines) {
  say(await obey(JSON.parse(line)).catch((error) => ({ error: String(error.stack) })))
}
