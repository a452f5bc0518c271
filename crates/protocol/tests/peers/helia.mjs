// Reads jobs as JSON from stdin, imports their files with the UnixFS importer that Helia
// uses, prints one {cid, tsize} for each job. Run from a folder whose node_modules holds
// ipfs-unixfs-importer, blockstore-core and @helia/unixfs.
import { MemoryBlockstore } from 'blockstore-core'
import { unixfs } from '@helia/unixfs'
import { importer } from 'ipfs-unixfs-importer'
import { fixedSize } from 'ipfs-unixfs-importer/chunker'
import { balanced } from 'ipfs-unixfs-importer/layout'

const PROFILE = 'unixfs-v1-2025'

// The same bytes as `content` in peers_helia.rs.
function content (size, seed) {
  const bytes = new Uint8Array(size)
  let x = (seed + 1) >>> 0
  for (let at = 0; at < size; at++) {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0
    bytes[at] = x >>> 24
  }
  return bytes
}

async function build (blockstore, files, wrapWithDirectory, layout = {}) {
  const source = files.map(({ path, size, seed }) => ({ path, content: content(size, seed) }))
  let last
  for await (last of importer(source, blockstore, { profile: PROFILE, wrapWithDirectory, ...layout }));
  return last
}

const jobs = JSON.parse(await new Response(process.stdin).text())
for (const { files, wrap, chunk, width, then } of jobs) {
  const blockstore = new MemoryBlockstore()
  const layout = chunk == null
    ? {}
    : { chunker: fixedSize({ chunkSize: chunk }), layout: balanced({ maxChildrenPerNode: width }) }
  const { cid, size } = await build(blockstore, files, wrap, layout)
  let root = { cid: cid.toString(), tsize: Number(size) }
  if (then != null) {
    // One more directory, put in place by Helia's own file system calls.
    const below = await build(blockstore, then.files, true)
    const options = { shardSplitStrategy: 'block-bytes' }
    const added = await unixfs({ blockstore }).cp(below.cid, cid, then.name, options)
    root = { cid: added.toString(), tsize: null }
  }
  console.log(JSON.stringify(root))
}
