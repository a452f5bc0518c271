// Takes signed posts in through ssb-db2: parsed, verified, appended to its log, indexed.
//
// Arguments: `sign POSTS MESSAGES` writes signed messages, one author after the other (POSTS has
// [author, date in milliseconds, text] on each line, an author's by date); `take MESSAGES FOLDER
// FOLLOWS` takes them in, asks for the newest posts of the first FOLLOWS authors, and says what it
// took. The packages are found by NODE_PATH.
'use strict'
const fs = require('fs')
const path = require('path')
const readline = require('readline')
const { promisify } = require('util')

const NEWEST = 50
const ROUNDS = 20
// Authors whose messages are given at once: each waits a quarter of a second for more.
const TOGETHER = 100

const lines = (name) => readline.createInterface({ input: fs.createReadStream(name), crlfDelay: Infinity })

async function sign(posts, messages) {
  const keys = require('ssb-keys')
  const { newNativeMsg, getMsgId } = require('ssb-classic/format')
  const authors = new Map()
  for await (const line of lines(posts)) {
    const [author, timestamp, text] = JSON.parse(line)
    if (!authors.has(author)) {
      const seed = Buffer.alloc(32)
      seed.writeUInt32BE(author + 1)
      authors.set(author, { keys: keys.generate('ed25519', seed), previous: null, texts: [] })
    }
    const one = authors.get(author)
    const content = { type: 'post', text }
    const value = newNativeMsg({ keys: one.keys, previous: one.previous, timestamp, content })
    one.previous = { key: getMsgId(value), value }
    one.texts.push(JSON.stringify(value))
  }
  const out = fs.openSync(messages, 'w')
  for (const { texts } of authors.values()) fs.writeSync(out, texts.join('\n') + '\n')
  fs.closeSync(out)
}

function anonymous() {
  const text = fs.readFileSync('/proc/self/status', 'utf8')
  return 1024 * Number(/RssAnon:\s+(\d+)/.exec(text)[1])
}

const cpu = () => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

// The files under a folder.
const files = (folder) =>
  fs.readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const name = path.join(folder, entry.name)
    return entry.isDirectory() ? files(name) : [name]
  })

function flush(folder) {
  for (const name of files(folder)) {
    const file = fs.openSync(name, 'r+')
    fs.fsyncSync(file)
    fs.closeSync(file)
  }
}

const size = (folder) => files(folder).reduce((sum, name) => sum + fs.statSync(name).blocks * 512, 0)

async function take(messages, folder, follows) {
  const keys = require('ssb-keys').generate('ed25519', Buffer.alloc(32, 255))
  const stack = require('secret-stack')({ caps: require('ssb-caps') })
  const server = stack.use(require('ssb-db2/core')).use(require('ssb-classic'))({ path: folder, keys })
  const { and, or, where, type, author, descending, paginate, toCallback } = require('ssb-db2/operators')
  const addBatch = promisify(server.db.addBatch)
  let most = anonymous()
  let count = 0
  const authors = []
  const before = [cpu(), performance.now()]
  let feeds = []
  const save = async () => {
    await Promise.all(feeds.map((feed) => addBatch(feed)))
    most = Math.max(most, anonymous())
    feeds = []
  }
  for await (const line of lines(messages)) {
    const value = JSON.parse(line)
    count += 1
    if (authors.at(-1) !== value.author) {
      if (feeds.length === TOGETHER) await save()
      authors.push(value.author)
      feeds.push([])
    }
    feeds.at(-1).push(value)
  }
  await save()
  await new Promise((resolve) => server.db.onDrain('base', resolve))
  flush(folder)
  const after = [cpu(), performance.now()]
  most = Math.max(most, anonymous())
  const ask = () => {
    const whose = authors.slice(0, follows).map((id) => author(id, { dedicated: true }))
    const asked = [where(and(type('post'), or(...whose))), descending(), paginate(NEWEST)]
    return new Promise((resolve, reject) =>
      server.db.query(...asked, toCallback((error, found) => (error ? reject(error) : resolve(found.results)))))
  }
  const took = []
  for (let round = 0; round <= ROUNDS; round += 1) {
    const begin = cpu()
    const found = await ask()
    took.push(cpu() - begin)
    if (found.length !== NEWEST) throw new Error(`${found.length} posts`)
  }
  const [first, ...rest] = took
  console.log(JSON.stringify({
    count,
    cpu: after[0] - before[0],
    wall: (after[1] - before[1]) / 1e3,
    disk: size(folder),
    memory: most,
    memory_asked: anonymous(),
    home_first: first,
    home: rest.sort((a, b) => a - b)[ROUNDS / 2],
  }))
  process.exit(0)
}

const [what, ...rest] = process.argv.slice(2)
const work = what === 'sign' ? sign(...rest) : take(rest[0], rest[1], Number(rest[2]))
work.catch((error) => {
  console.error(error)
  process.exit(1)
})
