import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import t from 'tap'
import { type Client, type TrustFiles, type VerifyJob } from '../interop/client.ts'
import { type Installed, runMatrix } from '../interop/matrix.ts'
import { failuresIn, toText, unsteadyIn } from '../interop/report.ts'
import { startEgressGuard } from '../support/egress-guard.ts'
import { InteropError } from '../support/interop-error.ts'
import { createRun } from '../support/run-command.ts'
import { openWorkshop } from '../support/workshop.ts'

const folder = await mkdtemp(path.join(tmpdir(), 'sigstack-interop-test-'))
t.teardown(() => rm(folder, { recursive: true, force: true }))
const node = process.execPath
const trust = (name: string): TrustFiles => ({
  trustedRoot: name,
  signingConfig: name,
  clientTrustConfig: name,
  rekorKey: name,
  ctKey: name,
  caCertificates: name,
  mirror: name,
})

/** Its "signature" is a copy of the file, the identity and the trust. */
function fake(name: string, verify: (job: VerifyJob) => Promise<void>): Installed {
  const client: Client = { name, install: async () => installed }
  const installed = {
    version: '1',
    signers: [
      {
        kind: 'bundle' as const,
        sign: async (_: unknown, { file, bundle }: { file: string; bundle: string }) =>
          writeFile(bundle, await readFile(file)),
      },
    ],
    verifiers: [{ kinds: ['bundle' as const], verify: (_: unknown, job: VerifyJob) => verify(job) }],
  }
  return { client, installed }
}

const refuse = (message: string): never => {
  throw new InteropError('failed', message)
}

async function honest({ file, bundle, identity, trust: { trustedRoot } }: VerifyJob): Promise<void> {
  if ((await readFile(file, 'utf8')) !== (await readFile(bundle, 'utf8'))) refuse('another file')
  if (identity.email !== 'a@example.org' || identity.issuer !== 'http://issuer') refuse('another identity')
  if (trustedRoot !== 'ours') refuse('another trust')
}

const matrixOf = async (clients: readonly Installed[]) =>
  runMatrix({
    clients,
    endpoints: {
      services: {},
      issuer: '',
      trust: { trustedRoot: '', signingConfig: '', clientTrustConfig: '', mirror: '' },
      files: {},
    },
    trust: trust('ours'),
    foreignTrust: { log: trust('theirs'), 'certificate log': trust('theirs'), CA: trust('theirs') },
    identity: { email: 'a@example.org', issuer: 'http://issuer' },
    folder: await mkdtemp(path.join(folder, 'matrix-')),
    runIn: () => createRun({ environment: {}, folder }),
    token: async () => 'token',
    onProgress: () => {},
  })

t.test('a verifier that accepts and refuses as it must fails nothing', async (t) => {
  const matrix = await matrixOf([fake('one', honest), fake('two', honest)])
  t.same(failuresIn(matrix), [])
  t.match(
    toText({ matrix, missing: [], date: new Date(0), platform: '' }),
    /18 passed, 0 failed, 0 clients missing/,
  )
})

t.test('a verifier that accepts everything fails every refusal', async (t) => {
  const failures = failuresIn(await matrixOf([fake('one', async () => {})]))
  t.equal(failures.length, 6)
  t.match(failures.join('\n'), /one refuses an altered file: accepted one.txt.sigstore.json/)
})

t.test('what fails once is tried once more and told, but never what was accepted wrongly', async (t) => {
  const failingOnce = () => {
    const tried = new Set<string>()
    return async (job: VerifyJob): Promise<void> => {
      const key = JSON.stringify(job)
      if (!tried.has(key) && tried.add(key)) throw new InteropError('timed_out', 'too slow')
      await honest(job)
    }
  }
  const matrix = await matrixOf([fake('one', failingOnce())])
  t.same(failuresIn(matrix), [])
  t.equal(unsteadyIn(matrix).length, 5, 'one signature and four ways to alter it')
  const text = toText({ matrix, missing: [], date: new Date(0), platform: '' })
  t.match(text, 'UNSTEADY one verifies what one signed: too slow')

  let accepted = 0
  const lax = async (job: VerifyJob): Promise<void> => {
    if (job.file.endsWith('.altered') && accepted++ === 0) return
    await honest(job)
  }
  t.match(failuresIn(await matrixOf([fake('one', lax)])), [/refuses an altered file: accepted/])
})

t.test('running out of time is no refusal', async (t) => {
  const slow = async (job: VerifyJob): Promise<void> => {
    if (job.file.endsWith('.altered')) throw new InteropError('timed_out', 'too slow')
    await honest(job)
  }
  t.same(failuresIn(await matrixOf([fake('one', slow)])), ['one refuses an altered file: too slow'])
})

t.test('a bundle that nobody could make is verified by nobody', async (t) => {
  const { client, installed } = fake('one', honest)
  const signers = [{ kind: 'bundle' as const, sign: async () => refuse('no key') }]
  const matrix = await matrixOf([{ client, installed: { ...installed, signers } }])
  t.same(failuresIn(matrix), ['one signs: no key'])
  t.same(matrix.cells, [[{ result: 'not applicable' }]])
})

t.test('a command that asks for something outside this machine fails, whatever its status', async (t) => {
  const guard = await startEgressGuard()
  t.teardown(() => guard.stop())
  const run = createRun({ environment: guard.environment, folder, guard })
  const ask = `fetch('http://outside.example/').then(() => {})`
  await t.rejects(run(node, ['-e', ask]), {
    code: 'went_outside',
    message: /outside\.example/,
  })
  await t.resolves(run(node, ['-e', '']))
})

t.test('a command that hangs, fails or is not there is told apart', async (t) => {
  const run = createRun({ environment: {}, folder })
  await t.rejects(run(node, ['-e', 'setInterval(() => {}, 1e3)'], { timeoutMs: 200 }), { code: 'timed_out' })
  await t.rejects(run(node, ['-e', 'console.error("no match"); process.exit(3)']), {
    code: 'failed',
    message: 'status 3: no match',
  })
  await t.rejects(run('/no/such/program', []), { code: 'missing' })
})

t.test('a toolchain that is not there is named, and leaves nothing in the cache', async (t) => {
  const cacheFolder = await mkdtemp(path.join(folder, 'cache-'))
  const workshop = openWorkshop({ cacheFolder, environment: { PATH: '/nowhere' }, onProgress: () => {} })
  await t.rejects(workshop.goInstall({ name: 'tool', module: 'example.org/tool', version: 'v1.0.0' }), {
    code: 'missing',
    message: 'go is not on the PATH',
  })
  t.same(await readdir(cacheFolder), [])
})
