import { statSync, utimesSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { createSigner, generateSigningKey } from '@sigstack/crypto'
import { createIntermediate, createRoot, encodeCertificatePem } from '@sigstack/x509'
import t from 'tap'
import { fileRoots } from '../src/roots/file-roots.ts'
import { urlRoots } from '../src/roots/url-roots.ts'
import { json, openRekor, proposalFor } from './support.ts'

t.test('beyond the queue writers are told to come back, and nothing of theirs is logged', async (t) => {
  const { app, log, database } = await openRekor(t, { queueLimit: 2 })
  const payloads = Array.from({ length: 40 }, (_, i) => JSON.stringify(proposalFor(`crowd ${i}`)))
  const post = (payload: string) =>
    app.inject({ method: 'POST', url: '/api/v1/log/entries', headers: json, payload })
  // As long as somebody else holds the log, nothing that waits becomes less.
  const holder = await database.pool.connect()
  await holder.query('begin')
  await holder.query('select from log for update')
  const posted = payloads.map(post)
  await Promise.any(posted)
  await holder.query('rollback')
  holder.release()
  const answers = await Promise.all(posted)
  const refused = answers.filter(({ statusCode }) => statusCode === 503)
  const logged = answers.filter(({ statusCode }) => statusCode === 201)
  t.equal(refused.length + logged.length, 40)
  t.ok(refused.length > 0)
  for (const answer of refused) {
    t.equal(answer.headers['retry-after'], '1')
    t.match(JSON.parse(answer.body), { code: 503, message: /waiting to be logged/ })
  }
  t.equal((await log.treeHead()).size, BigInt(logged.length))

  await log.close()
  const closed = await post(payloads[0]!)
  t.match([closed.statusCode, closed.headers['retry-after']], [503, '1'])
})

t.test('roots are fetched from the CA when it is there, and only self-issued ones count', async (t) => {
  const dates = { notBefore: new Date('2026-01-01T00:00:00Z'), notAfter: new Date('2036-01-01T00:00:00Z') }
  const signer = createSigner(generateSigningKey())
  const named = { organization: 'example.org', serialNumber: Uint8Array.of(1), ...dates }
  const root = await createRoot({ signer, commonName: 'root', ...named })
  const publicKey = createSigner(generateSigningKey()).publicKey
  const intermediate = await createIntermediate({
    root,
    rootSigner: signer,
    publicKey,
    commonName: 'ca',
    ...named,
  })
  const pem = encodeCertificatePem(intermediate.der) + encodeCertificatePem(root.der)
  const answers: [number, string][] = [
    [503, ''],
    [200, 'x'.repeat(300_000)],
    [200, 'no certificate'],
    [200, pem],
  ]
  let asked = 0
  const server = createServer((_request, response) => {
    const [status, text] = answers[Math.min(asked++, answers.length - 1)]!
    response.writeHead(status).end(text)
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  t.teardown(() => server.close())
  const errors: unknown[] = []
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v1/rootCert`
  const source = urlRoots(url, (error) => errors.push(error))
  // Many at once ask once, and again only after a pause.
  const begun = performance.now()
  await Promise.all(Array.from({ length: 5 }, () => source.refresh()))
  t.equal(asked, 1)
  while (source.current().certificates.length === 0) {
    await turn()
    await source.refresh()
  }
  t.equal(asked, 4)
  t.ok(performance.now() - begun >= 3 * 50)
  t.equal(errors.length, 3)
  t.match(String(errors[0]), /status 503/)
  t.match(String(errors[1]), /more than 262144 bytes/)
  t.strictSame(
    source.current().certificates.map(({ der }) => Buffer.from(der).toString('hex')),
    [Buffer.from(root.der).toString('hex')],
  )
})

t.test('a file of roots that changed is read again, whatever its time and size say', async (t) => {
  const dates = { notBefore: new Date('2026-01-01T00:00:00Z'), notAfter: new Date('2036-01-01T00:00:00Z') }
  const make = async (commonName: string) => {
    const signer = createSigner(generateSigningKey())
    const serialNumber = Uint8Array.of(1)
    return createRoot({ signer, commonName, organization: 'example.org', serialNumber, ...dates })
  }
  const [before, after] = [await make('before'), await make('after')]
  const textOf = ({ der }: { der: Uint8Array }) => encodeCertificatePem(der).padEnd(4_096, '\n')
  const file = `${t.testdir()}/roots.pem`
  const write = (root: { der: Uint8Array }) => {
    writeFileSync(file, textOf(root))
    utimesSync(file, dates.notBefore, dates.notBefore)
    return statSync(file).size
  }
  const size = write(before)
  const source = fileRoots(file, (error) => t.fail(String(error)))
  await source.refresh()
  t.ok(source.current().has(before))
  t.equal(write(after), size)
  while (!source.current().has(after)) {
    await turn()
    await source.refresh()
  }
  t.notOk(source.current().has(before))
})
