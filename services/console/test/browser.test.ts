/**
 * Every page in a real browser: with and without scripts, narrow and wide, light and dark; nothing of a stranger runs, no policy is
 * broken, and what tells of pages to those who cannot see them finds no fault. Where there is no Chromium nothing is claimed.
 */
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { sha256Hex } from '@sigstack/crypto'
import { freePorts } from '@sigstack/server/free-ports'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { startIssuer } from '../../dev-issuer/test/start.ts'
import { openFakeMonitor, token } from './fake-monitor.ts'
import { openTileLog } from './tile-log.ts'
import { entryOf, openAuthority, openTreeConsole } from './tree-workshop.ts'
import { openConsole, openLog, signedEntry } from './workshop.ts'

t.setTimeout(900_000)
const patienceMs = 240_000

// The first has no windows, and takes half as long as the others.
const chromium = ['chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome']
  .map((name) => `/usr/bin/${name}`)
  .find(existsSync)
const skip =
  chromium === undefined &&
  'there is no Chromium here (apt-get install chromium-headless-shell), so no page was looked at in a browser'

const script = '<script>document.title="owned"</script><img src=x onerror="document.title=\'owned\'">'
const turned = 'alice\u202egro.live'
const statement = {
  _type: 'https://in-toto.io/Statement/v1',
  predicateType: `https://example.org/${script}`,
  subject: [{ name: script, digest: { sha256: 'ab'.repeat(32) } }],
  predicate: { text: script, more: 'x'.repeat(10 * 1024 * 1024) },
}

async function openHostileLog(t: Test) {
  const { body, root } = await signedEntry(`${script}${turned}!example.org`)
  const hash = { algorithm: 'sha256', value: 'ab'.repeat(32) }
  const rpm = {
    kind: 'rpm',
    apiVersion: '0.0.1',
    spec: { package: { hash, headers: { Name: script, Version: turned } } },
  }
  const intoto = { kind: 'intoto', apiVersion: '0.0.1', spec: { content: { payloadHash: hash } } }
  const puts = [
    { body },
    { body: rpm },
    { body: intoto, attestation: Buffer.from(JSON.stringify(statement)) },
  ]
  return openLog(t, puts, { roots: [root] })
}

const paths = [
  '/',
  '/search?q=you@example.org',
  `/search?q=${encodeURIComponent(script)}`,
  '/entry/0',
  '/entry/1',
  '/entry/2',
  '/entry/rekor-v2/0',
  '/log',
  '/log/tail',
  '/log/tail?log=rekor-v2',
  '/log/consistency',
  '/trust',
  '/issuers',
  '/health',
  '/verify',
  '/watch',
  '/watch/alarms',
  '/watch/alarms/7',
  '/nothing',
]

const narrow: BrowserContextOptions = { viewport: { width: 360, height: 700 } }

const ways: readonly (BrowserContextOptions & { readonly name: string })[] = [
  { name: 'a desktop, light', viewport: { width: 1200, height: 800 }, colorScheme: 'light' },
  { name: 'a phone, dark', viewport: { width: 360, height: 700 }, colorScheme: 'dark' },
  { name: 'a phone without scripts', viewport: { width: 360, height: 700 }, javaScriptEnabled: false },
]

t.test('pages in a browser', { skip }, async (t) => {
  const { chromium: engine } = await import('playwright-core')
  // Its own sandbox wants rights that whoever runs tests may not have.
  const browser = await engine.launch({
    executablePath: chromium ?? '',
    args: ['--no-sandbox'],
    timeout: patienceMs,
  })
  t.teardown(() => browser.close())
  const log = await openHostileLog(t)
  const monitor = await openFakeMonitor(t)
  const { leaf } = await entryOf(`${script}!example.org`)
  const tiles = await openTileLog(t, [leaf])
  const { url } = await openConsole(t, log, {
    CONSOLE_REKOR_V2_URL: tiles.url,
    CONSOLE_CT_URL: 'http://127.0.0.1:9',
    CONSOLE_CA_URL: 'http://127.0.0.1:9',
    CONSOLE_MONITOR_URL: monitor.url,
    CONSOLE_MONITOR_TOKEN: token,
  })

  for (const { name, ...way } of ways)
    await t.test(name, async (t) => {
      const { page, faults } = await openPage(t, browser, way)
      for (const path of paths) {
        await page.goto(url + path, { waitUntil: 'load' })
        t.not(await page.title(), 'owned', path)
        t.equal(await page.locator('script:not([src])').count(), 0, `${path} has no script of its own`)
        const { over, odd } = await page.evaluate(measure)
        t.ok(over <= 0, `${path} is not wider than the window`)
        t.notOk(odd, `${path} turns no text around`)
        if (way.javaScriptEnabled !== false) t.same(await complaints(page), [], path)
      }
      t.same(faults, [], 'no policy was broken and nothing threw')
    })

  await t.test('the browser checks the proof itself, and notices a changed bit', async (t) => {
    const { page } = await openPage(t, browser, {})
    const stateOf = async (check: string) =>
      page.locator(`[data-check="${check}"] .by-browser .state`).first().textContent({ timeout: patienceMs })
    await page.goto(`${url}/entry/0`)
    t.match(await stateOf('checkpoint'), 'verified')
    t.match(await stateOf('inclusion'), '✓ verified')
    log.tamper(({ verification: { inclusionProof } }) => {
      const [first = ''] = inclusionProof.hashes
      inclusionProof.hashes[0] = (first.startsWith('0') ? '1' : '0') + first.slice(1)
    })
    await page.goto(`${url}/entry/0`)
    t.match(await stateOf('checkpoint'), 'verified')
    t.match(await stateOf('inclusion'), 'failed')
    log.tamper(() => {})
  })

  await t.test('the browser checks certificates and entries of Rekor v2 alike', async (t) => {
    const { root, precertify } = await openAuthority()
    const { leaf } = await precertify(`${script}!example.org`)
    for (const kind of ['ct', 'rekor-v2'] as const) {
      const tiles = await openTileLog(t, [leaf, Buffer.from('another')])
      const console = await openTreeConsole(t, kind, tiles, { roots: [root] })
      const { page, faults } = await openPage(t, browser, {})
      const stateOf = async (check: string) =>
        page
          .locator(`[data-check="${check}"] .by-browser .state`)
          .first()
          .textContent({ timeout: patienceMs })
      if (kind === 'ct') {
        await page.goto(`${console.url}/search?q=https://issuer.example`)
        t.same(await complaints(page), [], 'certificates in the search')
        await page.locator('[aria-labelledby="certificates"] a', { hasText: '0' }).click()
        await page.waitForURL('**/entry/ct/0', { timeout: patienceMs })
      }
      await page.goto(`${console.url}/entry/${kind}/0`)
      t.match(await stateOf('inclusion'), '✓ verified', kind)
      t.match(await stateOf('checkpoint'), '✓ verified', kind)
      t.same(await complaints(page), [], kind)
      t.same(faults, [], kind)
      tiles.give([Buffer.from('changed'), Buffer.from('another')])
      await page.goto(`${console.url}/entry/${kind}/0`)
      t.match(await stateOf('inclusion'), 'failed', kind)
    }
  })

  await t.test('the browser compares heads itself, and keeps one where it is asked to', async (t) => {
    const leaves = Array.from({ length: 11 }, (_, at) => Buffer.from(`leaf ${at}`))
    const tiles = await openTileLog(t, leaves)
    const console = await openTreeConsole(t, 'ct', tiles, { roots: [] })
    const { page, faults } = await openPage(t, browser, { viewport: { width: 360, height: 700 } })
    const stateOf = async (check: string) =>
      page.locator(`[data-check="${check}"] .by-browser .state`).first().textContent({ timeout: patienceMs })
    await page.goto(`${console.url}/log/consistency`)
    await page.locator('#head').fill(await tiles.headAt(6))
    await page.locator('button', { hasText: 'Compare' }).click()
    await page.waitForURL('**/log/consistency?head=*', { timeout: patienceMs })
    for (const check of ['consistency', 'older', 'checkpoint'])
      t.match(await stateOf(check), '✓ verified', check)
    t.same(await complaints(page), [])
    t.ok((await page.evaluate(measure)).over <= 0)
    await page.locator('#keep').click()
    await page.goto(`${console.url}/log/consistency`)
    await page.locator('#recall').click()
    t.match(await page.locator('#head').inputValue(), 'tiles.example\n11\n')
    const forked = await tiles.headAt(
      6,
      leaves.map(() => Buffer.from('other')),
    )
    await page.goto(`${console.url}/log/consistency?head=${encodeURIComponent(forked)}`)
    t.match(await stateOf('checkpoint'), '✓ verified')
    t.match(await stateOf('consistency'), 'failed')
    t.same(faults, [])
  })

  await t.test('a file is looked for by its digest, and stays where it is', async (t) => {
    const { page } = await openPage(t, browser, {})
    await page.goto(url)
    const sent: string[] = []
    page.on('request', (request) => sent.push(request.postData() ?? ''))
    const content = 'what stays here'
    await page
      .locator('#file')
      .setInputFiles({ name: 'a.txt', mimeType: 'text/plain', buffer: Buffer.from(content) })
    await page.waitForURL(`**/search?q=sha256:${sha256Hex(content)}`, { timeout: patienceMs })
    t.notOk(sent.some((body) => body.includes(content)))
  })

  for (const javaScriptEnabled of [true, false])
    await t.test(
      `an alarm is closed and a watch added, scripts ${javaScriptEnabled ? 'on' : 'off'}`,
      async (t) => {
        const { page } = await openPage(t, browser, { javaScriptEnabled })
        await page.goto(`${url}/watch`)
        const acts = page.locator('[aria-labelledby="alarm-7"]')
        await acts.locator('[name="note"]').fill('that was me')
        await acts.locator('button', { hasText: 'Close' }).click()
        await page.waitForURL('**/watch/alarms/7', { timeout: patienceMs })
        t.match(
          monitor.asked.findLast(({ method }) => method === 'POST'),
          {
            path: '/alarms/7/close',
            body: { by: 'console', note: 'that was me' },
          },
        )
        await page.goto(`${url}/watch`)
        await page.locator('#name').fill('people')
        await page.locator('#issuer').fill('https://issuer.example')
        await page.locator('form.watch button').click()
        await page.waitForURL('**/watch#watches', { timeout: patienceMs })
        t.match(
          monitor.asked.findLast(({ method }) => method === 'POST'),
          {
            path: '/watches',
            body: { name: 'people', issuer: { exact: 'https://issuer.example' }, alarmOn: ['identity-seen'] },
          },
        )
      },
    )

  for (const javaScriptEnabled of [true, false])
    await t.test(
      `a person signs in at an issuer and out again, scripts ${javaScriptEnabled ? 'on' : 'off'}`,
      async (t) => {
        const { issuer } = await startIssuer(t)
        const [port = 0] = await freePorts(1)
        const publicUrl = `http://localhost:${port}`
        const console = await openConsole(
          t,
          log,
          { CONSOLE_ACCESS: 'oidc', CONSOLE_PORT: String(port), CONSOLE_PUBLIC_URL: publicUrl },
          { issuers: [{ url: issuer, clientId: 'sigstack-console', readers: [{}] }] },
        )
        const { page, faults } = await openPage(t, browser, { javaScriptEnabled, ...narrow })
        // By another name of it than the one that people know.
        await page.goto(`${console.url}/entry/1`)
        await page.waitForURL(`${publicUrl}/auth/sign-in?*`, { timeout: patienceMs })
        if (javaScriptEnabled) t.same(await complaints(page), [])
        t.ok((await page.evaluate(measure)).over <= 0)
        await page.locator('a.button').click()
        await page.locator('[name="email"]').fill('rita@example.org')
        await page.locator('button').click()
        await page.waitForURL(`${publicUrl}/entry/1`, { timeout: patienceMs })
        t.match(await page.locator('footer').textContent(), 'Read by rita@example.org (reader)')
        if (javaScriptEnabled) t.same(await complaints(page), [])
        await page.locator('button', { hasText: 'Sign out' }).click()
        await page.waitForURL(`${publicUrl}/auth/sign-in?out`, { timeout: patienceMs })
        t.match(await page.locator('main').textContent(), 'You are signed out')
        await page.goto(`${publicUrl}/entry/1`)
        await page.waitForURL(`${publicUrl}/auth/sign-in?*`, { timeout: patienceMs })
        t.same(faults, [])
      },
    )

  await t.test(
    'entries come on the tail as text, wait while it is paused, and none is lost with the connection',
    async (t) => {
      const leaves = [leaf, Buffer.from('none of its kind'), (await entryOf(turned)).leaf, leaf, leaf, leaf]
      const tiles = await openTileLog(t, leaves.slice(0, 1))
      const [port = 0] = await freePorts(1)
      const settings = { CONSOLE_PORT: String(port) }
      const before = await openTreeConsole(t, 'rekor-v2', tiles, { roots: [], settings })
      const open = async () => {
        const { page, faults } = await openPage(t, browser, narrow)
        await page.goto(`${before.url}/log/tail?log=rekor-v2`)
        await page.locator('#tail-state', { hasText: 'Entries come as they are logged' }).waitFor()
        const rows = page.locator('#entries tr')
        const indexes = () => rows.locator('td:first-child').allTextContents()
        const until = (index: number) => rows.first().getByText(String(index), { exact: true }).waitFor()
        return { page, faults, rows, indexes, until }
      }
      const [tail, other] = [await open(), await open()]
      const grow = async (size: number, ...seenBy: readonly (typeof tail)[]) => {
        tiles.grow(leaves.slice(size - 1, size))
        for (const each of seenBy) await each.until(size - 1)
      }

      await grow(2, tail, other)
      await grow(3, tail, other)
      t.match(await tail.rows.first().textContent(), 'aliceU+202Egro.live')
      await grow(4, tail, other)
      t.match(await tail.rows.first().textContent(), script)
      t.not(await tail.page.title(), 'owned')
      const { over, odd } = await tail.page.evaluate(measure)
      t.ok(over <= 0)
      t.notOk(odd)
      t.same(await complaints(tail.page), [])

      await tail.page.locator('#tail-pause', { hasText: 'Pause' }).click()
      // Whoever came later is sent the same later.
      await grow(5, other)
      t.same(await tail.indexes(), ['3', '2', '1', '0'])
      await tail.page.locator('#tail-pause', { hasText: 'Go on' }).click()
      await tail.until(4)

      await before.stop()
      await tail.page.locator('#tail-state', { hasText: 'The connection is lost' }).waitFor()
      await grow(6)
      await openTreeConsole(t, 'rekor-v2', tiles, { roots: [], settings })
      await tail.until(5)
      t.same(await tail.indexes(), ['5', '4', '3', '2', '1', '0'], 'what came meanwhile, and nothing twice')
      t.same(tail.faults, [])
    },
  )

  await t.test('all that can be done is done by keys', async (t) => {
    const { page } = await openPage(t, browser, {})
    await page.goto(url)
    await page.keyboard.press('Tab')
    t.equal(await page.evaluate('document.activeElement.textContent'), 'To the content')
    await page.locator('#q').focus()
    await page.keyboard.type('0')
    await page.keyboard.press('Enter')
    await page.waitForURL('**/entry/0', { timeout: patienceMs })
  })
})

async function openPage(
  t: Test,
  browser: Browser,
  way: BrowserContextOptions,
): Promise<{ page: Page; faults: string[] }> {
  const context = await browser.newContext(way)
  t.teardown(() => context.close())
  const page = await context.newPage()
  page.setDefaultTimeout(patienceMs)
  const faults: string[] = []
  page.on('pageerror', ({ message }) => faults.push(message))
  page.on('console', (message) => {
    // Of answers that are no 200, which pages are meant to be.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      faults.push(message.text())
  })
  return { page, faults }
}

const measure = `({
  over: document.documentElement.scrollWidth - window.innerWidth,
  odd: /[\\u202a-\\u202e\\u2066-\\u2069]/.test(document.body.textContent),
})` as unknown as () => { over: number; odd: boolean }

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** What axe finds, as rule and place. */
async function complaints(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe)
  return page.evaluate(
    `axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }).then(({ violations }) =>
      violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => id + ' ' + target.join(' '))))`,
  )
}
