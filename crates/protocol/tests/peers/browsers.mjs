// Opens a feed in a browser in every way that people may, and prints what is wrong with
// it as {pages, complaints}. The argument is the job as JSON.
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { extname, join } from 'node:path'

const job = JSON.parse(process.argv.at(-1))
const require = createRequire(join(job.modules, 'x.js'))
const complaints = []
let pages = 0

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.xml': 'application/xml; charset=utf-8',
  '.xsl': 'application/xml; charset=utf-8',
  '.css': 'text/css',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.webp': 'image/webp',
  '.mp4': 'video/mp4',
  '.mp3': 'audio/mpeg'
}
// As strict as a server can be: nothing inline, nothing from elsewhere.
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; connect-src 'self'"
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync']

const server = createServer((request, response) => {
  let path = new URL(request.url, 'http://x').pathname
  if (path.endsWith('/')) path += 'index.html'
  const file = join(job.folder, path)
  if (path === '/favicon.ico') return response.writeHead(204).end()
  if (!existsSync(file)) return response.writeHead(404).end()
  const headers = { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream', 'x-content-type-options': 'nosniff' }
  // Chromium's own warning about XSLT is inline style, so that page goes without.
  if (!path.startsWith('/xslt')) headers['content-security-policy'] = POLICY
  response.writeHead(200, headers).end(readFileSync(file))
})
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
const http = `http://127.0.0.1:${server.address().port}/`
const file = `file://${job.folder}/`
writeFileSync(join(job.folder, 'xslt.xml'), readFileSync(join(job.folder, 'feed.xml'), 'utf8')
  .replace(/<\?xml-stylesheet[^?]*\?>/, '<?xml-stylesheet type="text/xsl" href="feed.xsl"?>')
  .replace(/<os:page>.*<\/os:page>/, '<os:page><x src="feed.js"/></os:page>'))

// What a page looks like from inside.
const look = async () => {
  for (const details of document.querySelectorAll('details')) details.open = true
  for (const img of document.images) img.loading = 'eager'
  while (![...document.images].every((img) => img.complete)) await new Promise((resolve) => setTimeout(resolve, 20))
  // Chromium adds its warning about XSLT to the page.
  const all = [...document.querySelectorAll('*')].filter((e) => !e.closest('xslt-warning-banner'))
  return {
    articles: document.querySelectorAll('article').length,
    text: document.body ? document.body.innerText : document.documentElement.textContent,
    broken: [...document.images].filter((img) => !img.naturalWidth).map((img) => img.src),
    pictures: document.images.length,
    wide: document.documentElement.scrollWidth > innerWidth,
    styled: document.body && getComputedStyle(document.querySelector('.post') ?? document.body).borderTopLeftRadius,
    scripts: [...document.scripts].map((script) => script.src),
    foreign: all.filter((e) => /^(iframe|object|embed|form|base|svg\:script)$/i.test(e.localName) ||
      [...e.attributes].some((a) => /^on|^style$/.test(a.name) || /^\s*(javascript|data|vbscript):/i.test(a.value) && a.name !== 'content')).map((e) => e.outerHTML.slice(0, 200)),
    attacked: Boolean(globalThis.attacked)
  }
}

function judge (where, seen, { articles, texts = [] }) {
  pages++
  const say = (what) => complaints.push(`${where}: ${what}`)
  if (articles !== undefined && seen.articles !== articles) say(`${seen.articles} posts instead of ${articles}`)
  const words = seen.text.replace(/\s+/g, ' ')
  for (const text of texts) if (!words.includes(text.replace(/\s+/g, ' '))) say(`"${text}" is not to be seen`)
  if (seen.broken.length) say(`broken pictures ${seen.broken}`)
  if (seen.wide) say('scrolls sideways')
  if (seen.styled === '0px') say('has no style')
  if (seen.foreign.length) say(`holds ${seen.foreign}`)
  if (seen.attacked) say('an attack ran')
  for (const script of seen.scripts) if (script && !script.endsWith('/feed.js')) say(`runs ${script}`)
}

const all = { articles: job.articles, texts: job.browser === 'attacked' ? [] : job.texts }
const views = [
  ['index.html', { ...all, texts: ['Ada Lindqvist', ...all.texts] }],
  ['feed.xml', { ...all, texts: ['Ada Lindqvist', ...all.texts] }],
  [job.archive, {}],
  ...job.posts.slice(0, 3).map((post) => [post, { articles: 1 }]),
  [job.archive.replace('.html', '.xml'), {}]
]

async function chromium () {
  const { chromium } = require('playwright-core')
  const open = (flags = []) => chromium.launch({ executablePath: '/usr/bin/chromium', args: [...FLAGS, ...flags] })
  const visit = async (context, where, base, [path, wanted], inside) => {
    const page = await context.newPage()
    const name = `${where} ${path}`
    page.on('dialog', (dialog) => { complaints.push(`${name}: a dialog opened`); dialog.dismiss() })
    page.on('pageerror', (error) => complaints.push(`${name}: ${error.message}`))
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(`${name}: ${message.text()}`)
    })
    page.on('request', (request) => {
      if (!request.url().startsWith(base)) complaints.push(`${name}: asks for ${request.url()}`)
    })
    await page.goto(base + path)
    await page.waitForFunction(() => document.readyState === 'complete')
    // Over the web, who it is and how to follow come from index.html.
    if (base + path === `${http}feed.xml`) await page.waitForSelector('.follow .qr', { timeout: 20_000 })
    judge(name, await page.evaluate(look), wanted)
    if (inside) await inside(page, name)
    await page.close()
  }
  const modern = await open()
  const later = await open(['--disable-blink-features=XSLT'])
  for (const [where, browser] of [['with XSLT', modern], ['without XSLT', later]]) {
    const context = await browser.newContext()
    for (const view of views) {
      await visit(context, `${where}, http,`, http, view)
      await visit(context, `${where}, file,`, file, view)
    }
    await context.close()
  }
  if (job.browser === 'chromium') {
    const context = await modern.newContext()
    await visit(context, 'transformed,', http, ['xslt.xml', all])
    await context.close()
    const still = await modern.newContext({ javaScriptEnabled: false })
    await visit(still, 'no script,', http, views[0])
    await still.close()
    await everySize(modern, visit)
  }
  await modern.close()
  await later.close()
}

// Phone and desktop, light and dark: no sideways scrolling, nothing that axe objects to.
async function everySize (browser, visit) {
  const axe = readFileSync(join(job.modules, 'axe-core/axe.min.js'), 'utf8')
  for (const width of [320, 360, 1280]) {
    for (const colorScheme of ['light', 'dark']) {
      const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme })
      for (const view of views.slice(0, 5)) {
        await visit(context, `${width} px, ${colorScheme},`, http, view, async (page, name) => {
          if (width !== 320) {
            await page.evaluate(axe)
            const { violations } = await page.evaluate(() => axe.run())
            for (const { id, nodes } of violations) complaints.push(`${name}: ${id}: ${nodes[0].html.slice(0, 200)}`)
          }
          if (!job.shots) return
          mkdirSync(job.shots, { recursive: true })
          const shot = `${view[0].replaceAll('/', '_')}-${width}-${colorScheme}.png`
          await page.screenshot({ path: join(job.shots, shot), fullPage: true })
        })
      }
      await context.close()
    }
  }
}

async function firefox () {
  const puppeteer = require('puppeteer-core')
  const browser = await puppeteer.launch({
    browser: 'firefox',
    executablePath: '/usr/bin/firefox-esr',
    headless: true,
    extraPrefsFirefox: { 'network.proxy.type': 0 }
  })
  const page = await browser.newPage()
  page.on('dialog', (dialog) => { complaints.push('a dialog opened'); dialog.dismiss() })
  page.on('pageerror', (error) => complaints.push(error.message))
  for (const [where, base] of [['http', http], ['file', file]]) {
    for (const [path, wanted] of views) {
      await page.goto(base + path)
      await page.waitForFunction(() => document.readyState === 'complete')
      judge(`${where} ${path}`, await page.evaluate(look), wanted)
    }
  }
  await page.goto(http + 'xslt.xml')
  await page.waitForFunction(() => document.querySelector('article'))
  judge('transformed', await page.evaluate(look), all)
  await browser.close()
}

await (job.browser === 'firefox' ? firefox() : chromium())
server.close()
console.log(JSON.stringify({ pages, complaints }))
