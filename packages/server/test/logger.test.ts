import { spawnSync } from 'node:child_process'
import t from 'tap'
import { buildServer, createLogger } from '../src/index.ts'
import type { LoggerOptions } from '../src/logger.ts'

function recording(options: Partial<LoggerOptions> = {}) {
  const lines: string[] = []
  const destination = { write: (line: string) => void lines.push(line) }
  const logger = createLogger({ name: 'test', destination, ...options })
  const records = () => lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  return { lines, logger, records }
}

const token = `${base64url('{"alg":"RS256"}')}.${base64url('{"sub":"a"}')}.c2lnbmF0dXJl`

function base64url(text: string): string {
  return Buffer.from(text).toString('base64url')
}

t.test('records hold no secret, wherever it hides', async (t) => {
  const { lines, logger } = recording()
  logger.info({ authorization: 'Bearer abc', headers: { cookie: 'abc', 'set-cookie': 'abc' } }, 'one')
  logger.info({ a: { credentials: { oidcIdentityToken: 'abc' } }, token: 'abc' }, 'two')
  logger.error({ err: new Error(`bad token ${token}`) }, `got ${token}`)
  logger.info({ deep: [{ text: `x${'y'.repeat(20_000)} ${token}` }] }, 'a long one')
  const pretty = recording({ pretty: true })
  pretty.logger.info({ port: 3000, token: 'abc' }, `up ${token}`)
  const all = [...lines, ...pretty.lines].join('')
  t.notMatch(all, 'abc')
  t.notMatch(all, token)
  t.match(all, '[redacted]')
  t.match(all, 'bad token [token]')
  t.match(pretty.lines[0], /^\d\d:\d\d:\d\d info {2}test: up \[token\] port=3000 token="\[redacted\]"\n$/)
})

t.test('a full disk behind standard output loses records, and does not end the service', async (t) => {
  const program = `
    import { createLogger } from '${new URL('../src/index.ts', import.meta.url).href}'
    const logger = createLogger({ name: 'test' })
    for (let i = 0; i < 2_000; i++) logger.info('x'.repeat(100))
    process.stderr.write('still here')`
  const run = (redirection: string) =>
    spawnSync('bash', ['-c', `"$0" --input-type=module -e "$1" ${redirection}`, process.execPath, program], {
      encoding: 'utf8',
    })
  const full = run('> /dev/full')
  t.equal(full.status, 0)
  t.equal(full.stderr, 'records are lost: standard output cannot be written to (ENOSPC)\nstill here')
  t.equal(run('| true').stderr, 'still here', 'nobody reads on')
})

t.test('a record is bounded and stays JSON, wherever it is long', async (t) => {
  const long = '\u009b\u202ea"ö😀'.repeat(200_000)
  const cause = new Error(long, { cause: new Error(long) })
  const many = Array.from({ length: 20_000 }, (_, index) => [
    `${long.slice(0, 50)}${index}`,
    long.slice(0, 500),
  ])
  let deep: unknown = long
  for (let level = 0; level < 50; level += 1) deep = { [long.slice(0, 3_000)]: [deep] }
  for (const [what, log] of Object.entries({
    message: (logger) => logger.info(long),
    member: (logger) => logger.info({ long }, 'short'),
    list: (logger) => logger.info({ many }, 'short'),
    members: (logger) => logger.info(Object.fromEntries(many), 'short'),
    numbered: (logger) => logger.info(Object.fromEntries(Object.entries(many)), 'short'),
    depth: (logger) => logger.info({ deep }, 'short'),
    error: (logger) =>
      logger.error({ err: Object.assign(new Error(long, { cause }), { detail: long }) }, 'short'),
    bindings: (logger) => logger.child({ reqId: long, long }).info('short'),
  } satisfies Record<string, (logger: ReturnType<typeof createLogger>) => void>)) {
    const { lines, logger, records } = recording()
    log(logger)
    t.equal(lines.length, 1, what)
    t.ok(Buffer.byteLength(lines[0] ?? '') <= 8_192, `${what}: ${Buffer.byteLength(lines[0] ?? '')} bytes`)
    t.match(records()[0], { level: /^(?:info|error)$/, time: /^\d{4}-/, name: 'test', msg: String }, what)
    t.match(lines[0], '…', `${what} shows the cut`)
    if (what !== 'message') t.equal(records()[0]?.['msg'], 'short', what)
  }
  const { logger, records } = recording()
  logger.error({ err: new Error('outer', { cause }) }, 'failed')
  t.match(
    (records()[0]?.['err'] as { message: string } | undefined)?.message,
    /^outer: /,
    'an error says first what it is',
  )
})

t.test('what fits is told whole', async (t) => {
  const { logger, records } = recording()
  logger.info({ subject: 'u'.repeat(4_000), names: Array.from({ length: 200 }, String) }, 'issued')
  t.strictSame(records()[0]?.['subject'], 'u'.repeat(4_000))
  t.equal((records()[0]?.['names'] as string[] | undefined)?.length, 200)
})

t.test('no text from outside moves a terminal, or looks like a line of ours', async (t) => {
  const forged =
    'no\n12:00:00 info  log: all is well\r\u001b[2K\u009b31m\u202e\u2028\u0000\u007fend\n    at well (x.ts:1:1)'
  for (const pretty of [false, true]) {
    const { lines, logger } = recording({ pretty })
    logger.info({ [forged]: { [forged]: [forged] } }, forged)
    logger.error({ err: new TypeError(forged, { cause: new Error(forged) }) }, forged)
    for (const line of lines.join('').split('\n').slice(0, -1)) {
      t.notMatch(line, /[\p{Cc}\u202e\u2028]/u, line.slice(0, 40))
      t.notMatch(line, /^(?:12:00:00| {2,}at well)/)
      t.match(
        line,
        pretty ? /^(?:\d\d:\d\d:\d\d (?:info|error)| {2}(?:\w*Error:|caused by:| {4}at ))/ : /^\{.*\}$/,
      )
    }
  }
  const { logger, records } = recording()
  logger.info({ given: forged }, forged)
  t.match(records()[0], { given: forged, msg: forged }, 'whoever reads the JSON has it as it was sent')
})

t.test('an error is told with its causes, its members and where it was thrown', async (t) => {
  const { logger, records } = recording()
  const circle = Object.assign(new RangeError('first'), { code: 'E1', other: new Error('of another') })
  circle.cause = new Error('second', { cause: circle })
  logger.error({ err: circle }, 'failed')
  logger.error(new AggregateError([new Error('refused by ::1'), new Error('refused by 127.0.0.1')]))
  logger.error({ err: 'a text' }, 'failed')
  t.match(records(), [
    {
      err: {
        type: 'RangeError',
        code: 'E1',
        other: 'of another',
        message: 'first: second',
        stack: /^RangeError: first\n {4}at .*\ncaused by: Error: second\n {4}at /s,
      },
    },
    { err: { message: 'refused by ::1; refused by 127.0.0.1' } },
    { err: 'a text' },
  ])
})

t.test('the frame logs the same way', async (t) => {
  const { lines, logger } = recording()
  const app = buildServer({ name: 'test', logger })
  t.teardown(() => app.close())
  app.post('/refuse', async ({ body }) => {
    throw Object.assign(new Error(`not this: ${String(body)}`), { statusCode: 400 })
  })
  app.post('/fail', async ({ body }) => {
    throw new Error(`not that: ${String(body)}`)
  })
  const payload = `${'\u001b[2K\u009b'.repeat(20_000)} ${token}`
  for (const url of ['/refuse', '/fail']) {
    await app.inject({ method: 'POST', url, payload, headers: { 'content-type': 'text/plain' } })
  }
  t.equal(lines.length, 2)
  for (const line of lines) {
    t.ok(Buffer.byteLength(line) <= 8_192)
    t.notMatch(line.trimEnd(), /\p{Cc}/u)
    t.notMatch(line, token)
  }
})

t.test('a megabyte of the worst text is logged at once', { timeout: 60_000 }, async (t) => {
  for (const worst of ['-eyJ', 'eyJaaaa', 'eyJ.', 'eyJaaaa.bbbb ', '-', '\u001b', '\ud800', '"']) {
    const { lines, logger } = recording()
    const text = worst.repeat(1_000_000 / worst.length)
    logger.info({ reason: text, err: new Error(text) }, text)
    t.equal(lines.length, 1, worst)
  }
})
