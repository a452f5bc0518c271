// What other programs say of an exported site. The first argument is a folder whose
// node_modules has viem, ethers and Helia's importer, the second what is asked:
//   signers FILE...   who signed the record and the grant in each record.json
//   root FOLDER       the root of a folder, without .well-known
import { createRequire } from 'node:module'
import { promises as fs } from 'node:fs'
import path from 'node:path'

const [modules, what, ...rest] = process.argv.slice(1)
const require = createRequire(path.join(modules, 'x.js'))
const load = name => import(require.resolve(name))

async function signers (files) {
  const { recoverTypedDataAddress, recoverMessageAddress } = require('viem')
  const { verifyTypedData, verifyMessage } = require('ethers')
  const answers = []
  for (const file of files) {
    const found = JSON.parse(await fs.readFile(file, 'utf8'))
    for (const proof of [found.record, found.grant]) {
      const { typed_data: data, text, signature } = proof
      const { EIP712Domain, ...types } = data.types
      answers.push(proof.scheme === 'typed_data'
        ? [
            await recoverTypedDataAddress({ ...data, types, signature }),
            verifyTypedData(data.domain, types, data.message, signature)
          ]
        : [await recoverMessageAddress({ message: text, signature }), verifyMessage(text, signature)])
    }
  }
  return answers
}

async function * files (folder, below = '') {
  for (const entry of await fs.readdir(path.join(folder, below), { withFileTypes: true })) {
    const name = below === '' ? entry.name : `${below}/${entry.name}`
    if (entry.isDirectory()) {
      if (name !== '.well-known') yield * files(folder, name)
    } else {
      yield { path: name, content: await fs.readFile(path.join(folder, name)) }
    }
  }
}

async function root (folder) {
  const { MemoryBlockstore } = await load('blockstore-core')
  const { importer } = await load('ipfs-unixfs-importer')
  const options = { profile: 'unixfs-v1-2025', wrapWithDirectory: true }
  let last
  for await (last of importer(files(folder), new MemoryBlockstore(), options));
  return last.cid.toString()
}

console.log(JSON.stringify(what === 'root' ? await root(rest[0]) : await signers(rest)))
