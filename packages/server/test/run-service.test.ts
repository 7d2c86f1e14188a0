import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import t from 'tap'

const library = new URL('../src/index.ts', import.meta.url).href

/** Runs `main` in a process of its own, whose standard output says when it is up. */
function service(t: { teardown(action: () => void): unknown }, main: string, options = '{}') {
  const script = `import { buildServer, createLogger, tellStop, listen, runService } from ${JSON.stringify(library)}
    const say = (text) => process.stdout.write(text + '\\n')
    await runService(${main}, ${options})`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script])
  t.teardown(() => void child.kill('SIGKILL'))
  const said = { out: '', err: '' }
  child.stdout.on('data', (chunk: Buffer) => {
    said.out += chunk.toString()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    said.err += chunk.toString()
  })
  return { child, said, up: once(child.stdout, 'data'), ended: end(child) }
}

async function end(child: ChildProcess) {
  const [status, signal] = (await once(child, 'close')) as [number | null, string | null]
  return status ?? signal
}

t.test('a signal stops the service, and the process ends by itself', async (t) => {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    const { child, said, up, ended } = service(
      t,
      `async (signal) => {
        signal.addEventListener('abort', () => say('aborted'))
        const app = buildServer({ name: 'x', logger: false })
        await listen(app, { host: '127.0.0.1', port: 0, portVariable: 'PORT' })
        say('up')
        return { stop: async () => { await app.close(); say('stopped') } }
      }`,
    )
    await up
    child.kill(signal)
    t.equal(await ended, 0)
    t.equal(said.out, 'up\naborted\nstopped\n')
  }
})

t.test('a second signal ends it at once, and so does a stop that takes too long', async (t) => {
  const stuck = `async () => { say('up'); return { stop: () => { say('stopping'); return new Promise(() => {}) } } }`
  const first = service(t, stuck, '{ sameSignalMs: 0 }')
  await first.up
  const stopping = once(first.child.stdout, 'data')
  first.child.kill('SIGTERM')
  await stopping
  first.child.kill('SIGTERM')
  t.equal(await first.ended, 143)

  const second = service(t, stuck, '{ stopTimeoutMs: 100 }')
  await second.up
  second.child.kill('SIGINT')
  t.equal(await second.ended, 1)
  t.match(second.said.err, /^work was still open 100 ms after the signal; ended\n$/)
})

t.test('a signal that comes on two ways at once is one signal', async (t) => {
  const { child, said, up, ended } = service(
    t,
    `async () => {
      say('up')
      return { stop: async () => { process.kill(process.pid, 'SIGINT'); process.kill(process.pid, 'SIGTERM'); say('stopped') } }
    }`,
    '{ sameSignalMs: 60_000 }',
  )
  await up
  child.kill('SIGINT')
  t.equal(await ended, 0)
  t.equal(said.out, 'up\nstopped\n')
})

t.test('an orderly stop is told in the log, which a crash is not', async (t) => {
  const { child, said, up, ended } = service(
    t,
    `async () => {
      const logger = createLogger({ name: 'x', destination: { write: (line) => say(JSON.parse(line).msg) } })
      say('up')
      return tellStop({ stop: async () => say('closing') }, logger)
    }`,
  )
  await up
  child.kill('SIGTERM')
  t.equal(await ended, 0)
  t.equal(said.out, 'up\nstopping\nclosing\nstopped\n')
})

t.test('a start that fails says why in one line', async (t) => {
  const refused = service(t, `async () => { throw new Error('bad configuration: PORT must be a number') }`)
  t.equal(await refused.ended, 1)
  t.equal(refused.said.err, 'bad configuration: PORT must be a number\n')
  const hostile = service(t, `async () => { throw new Error('no file \\u001b[2K\\rall is well') }`)
  t.equal(await hostile.ended, 1)
  t.equal(hostile.said.err, 'no file \\u001b[2K\\u000dall is well\n')
  const mistake = service(t, `async () => { undefined.nonsense }`)
  t.equal(await mistake.ended, 1)
  t.match(mistake.said.err, /^TypeError: .*\n +at /, 'our own mistake comes with its stack')
})

t.test('a signal while it starts is no failure', async (t) => {
  const { child, said, up, ended } = service(
    t,
    `async (signal) => {
      say('starting')
      await new Promise((_, reject) => {
        const timer = setTimeout(() => {}, 60_000)
        signal.addEventListener('abort', () => { clearTimeout(timer); reject(signal.reason) })
      })
    }`,
  )
  await up
  child.kill('SIGTERM')
  t.equal(await ended, 0)
  t.equal(said.err, '')
})
