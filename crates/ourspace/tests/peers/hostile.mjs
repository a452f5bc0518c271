// A stranger who opens streams and ends them at once. Arguments: an address, a protocol, how many
// connections. Prints how many streams it has opened, and goes when its input ends.
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { identify } from '@libp2p/identify'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'

const [address, protocol, number] = process.argv.slice(1)
let opened = 0
for (let n = 0; n < Number(number); n++) {
  const node = await createLibp2p({
    addresses: { listen: [] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify() }
  })
  await node.start()
  const connection = await node.dial(multiaddr(address))
  for (const end of [stream => stream.close(), stream => stream.abort(new Error('gone'))]) {
    const stream = await connection.newStream(protocol)
    opened++
    await Promise.resolve(end(stream)).catch(() => {})
  }
}
console.log(JSON.stringify({ opened }))
process.stdin.resume()
process.stdin.on('end', () => process.exit(0))
