import { mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { connect } from 'node:http2'
import { request } from 'node:https'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import t from 'tap'
import { buildServer, listen, readTlsFiles, reloadFromFiles, tlsReload } from '../src/index.ts'
import { makeCertificate } from './support/make-certificate.ts'

const until = async (condition: () => boolean): Promise<void> => {
  for (let i = 0; i < 3_000 && !condition(); i++) await new Promise((resolve) => setTimeout(resolve, 20))
}

t.test('a changed file takes effect, a bad one leaves what was and says why, once', async (t) => {
  const file = join(t.testdir({ value: '1' }), 'value')
  const faults: unknown[] = []
  const values: number[] = []
  const reloading = await reloadFromFiles({
    paths: () => [file],
    initial: 1,
    load() {
      const text = readFileSync(file, 'utf8')
      if (!/^[0-9]+$/.test(text)) throw new Error(`${text} is no number`)
      return Number(text)
    },
    onReload: (value) => values.push(value),
    onFault: (fault) => faults.push(fault),
    pollMs: 60_000,
  })
  t.teardown(() => reloading.stop())
  writeFileSync(file, '2')
  await until(() => reloading.current() === 2)
  t.equal(reloading.current(), 2, 'noticed without a poll')
  writeFileSync(file, 'x')
  await until(() => reloading.fault() !== undefined)
  t.equal(reloading.current(), 2)
  t.equal(reloading.fault(), 'x is no number')
  await reloading.check()
  t.equal(faults.length, 1, 'the same fault is told once')
  writeFileSync(file, '3')
  await until(() => reloading.current() === 3)
  t.equal(reloading.fault(), undefined)
  t.same(values, [2, 3])
  const temporary = `${file}.new`
  writeFileSync(temporary, '4')
  renameSync(temporary, file)
  await until(() => reloading.current() === 4)
  t.equal(reloading.current(), 4, 'also by renaming')
})

t.test('the swap of a symbolic link is noticed, as Kubernetes updates its secrets', async (t) => {
  const folder = t.testdir()
  for (const name of ['a', 'b']) {
    mkdirSync(join(folder, name))
    writeFileSync(join(folder, name, 'value'), name)
  }
  symlinkSync('a', join(folder, '..data'))
  symlinkSync(join('..data', 'value'), join(folder, 'value'))
  const file = join(folder, 'value')
  const reloading = await reloadFromFiles({
    paths: () => [file],
    initial: 'a',
    load: () => readFileSync(file, 'utf8'),
    pollMs: 60_000,
  })
  t.teardown(() => reloading.stop())
  symlinkSync('b', join(folder, '..new'))
  renameSync(join(folder, '..new'), join(folder, '..data'))
  await until(() => reloading.current() === 'b')
  t.equal(reloading.current(), 'b')
})

t.test('what nothing could be told of, since its folder was missing, is found by looking', async (t) => {
  const folder = join(t.testdir(), 'later', 'and-later')
  const file = join(folder, 'value')
  let reads = 0
  const reloading = await reloadFromFiles({
    paths: () => {
      reads++
      return [file]
    },
    initial: 'none',
    load: () => readFileSync(file, 'utf8'),
    pollMs: 10,
  })
  t.teardown(() => reloading.stop())
  await until(() => reads > 2)
  t.equal(reloading.current(), 'none')
  mkdirSync(folder, { recursive: true })
  writeFileSync(file, 'there')
  await until(() => reloading.current() === 'there')
  t.equal(reloading.current(), 'there')
})

t.test('one port speaks HTTP/2 and HTTP/1.1, and a new certificate is shown without a restart', async (t) => {
  const folder = t.testdir()
  const files = makeCertificate(folder, 'first')
  const tls = await readTlsFiles(files)
  const app = buildServer({ name: 'test', logger: false, tls })
  app.get('/version', async (request) => ({ version: request.raw.httpVersion }))
  const reloading = await reloadFromFiles(tlsReload(app, files, tls))
  t.teardown(() => reloading.stop())
  const { url } = await listen(app, { host: '127.0.0.1', port: 0, portVariable: 'PORT' })
  t.match(url, /^https:/)
  const overHttp1 = () =>
    new Promise<{ text: string; name: string }>((resolve, reject) => {
      request(`${url}/version`, { rejectUnauthorized: false, agent: false }, (response) => {
        const name = String((response.socket as TLSSocket).getPeerCertificate().subject.CN)
        response.setEncoding('utf8').on('data', (text: string) => resolve({ text, name }))
      })
        .on('error', reject)
        .end()
    })
  t.same(await overHttp1(), { text: '{"version":"1.1"}', name: 'first' })
  const session = connect(url, { rejectUnauthorized: false })
  const stream = session.request({ ':path': '/version' })
  const text = await new Promise((resolve) => stream.setEncoding('utf8').on('data', resolve))
  t.equal(text, '{"version":"2.0"}')
  makeCertificate(folder, 'second')
  await until(() => reloading.current().cert !== tls.cert)
  t.equal((await overHttp1()).name, 'second')
  t.notOk(session.closed, 'an open connection stays')
  writeFileSync(files.keyPath, 'nothing')
  await until(() => reloading.fault() !== undefined)
  t.match(reloading.fault(), /belong together/)
  t.equal((await overHttp1()).name, 'second')
  const begun = performance.now()
  await app.close()
  t.ok(performance.now() - begun < 60_000, 'an idle HTTP/2 session does not hold up a stop')
  session.destroy()
})

t.test('a certificate and a key that do not belong together are refused in one sentence', async (t) => {
  const folder = t.testdir()
  const { certificatePath } = makeCertificate(folder, 'a')
  writeFileSync(join(folder, 'other.key'), 'no key')
  await t.rejects(readTlsFiles({ certificatePath, keyPath: join(folder, 'other.key') }), {
    name: 'ServerError',
    code: 'tls_unusable',
  })
  await t.rejects(readTlsFiles({ certificatePath, keyPath: join(folder, 'missing') }), /cannot be read/)
})
