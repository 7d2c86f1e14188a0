import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { InteropError } from '../../support/interop-error.ts'
import { type Client, type Session, type VerifyJob } from '../client.ts'
import { mirrorCheck, mirrorOf } from '../mirror.ts'
import { keyFileVariables } from '../trust-material.ts'

const legacyTrust = fileURLToPath(new URL('../programs/legacy-trust/main.go', import.meta.url))

type Environment = Readonly<Record<string, string>>

/** A "bundle" of it is the signed commit, as Git stores it. */
export const gitsign: Client = {
  name: 'gitsign',
  install: async ({ goBuild, run, versionOf }) => {
    const folder = await goBuild({
      name: 'gitsign',
      module: 'github.com/sigstore/gitsign',
      version: versionOf('gitsign', 'v0.14.0'),
      sources: [legacyTrust],
    })
    const program = path.join(folder, 'gitsign')
    const { stdout } = await run(program, ['--version'])

    /** Keys as files, and the trusted root that it looks for besides. */
    const withFiles = async (session: Session, { trust }: VerifyJob): Promise<Environment> => {
      const { url, root } = await mirrorOf(trust, session)
      return { ...keyFileVariables(trust), TUF_MIRROR: url, TUF_ROOT_JSON: root }
    }
    return {
      version: /gitsign version (\S+)/.exec(stdout)?.[1] ?? 'unknown',
      signers: [
        {
          kind: 'commit',
          sign: async (session, job) => {
            const environment = keyFileVariables(job.trust)
            await signCommit(program, session, job, environment)
          },
        },
      ],
      verifiers: [
        {
          kinds: ['commit'],
          way: 'key files',
          verify: async (session, job) => verifyCommit(program, session, job, await withFiles(session, job)),
        },
      ],
      checks: [
        mirrorCheck(
          {
            initialize: async (session, { url, root }) => {
              await session.run(program, ['initialize', '--mirror', url, '--root', root])
              await session.run(path.join(folder, 'legacy-trust'), [url, root])
            },
            sign: (session, job) => signCommit(program, session, job, {}),
            verify: (session, job) => verifyCommit(program, session, job, {}),
          },
          'commit',
        ),
      ],
    }
  },
}

async function signCommit(
  program: string,
  session: Session,
  { file, bundle }: Pick<VerifyJob, 'file' | 'bundle'>,
  trust: Environment,
): Promise<void> {
  const git = await repositoryOf(session)
  await git(['read-tree', await treeOf(git, file)])
  const environment = { ...services(session), ...trust, SIGSTORE_ID_TOKEN: await session.token() }
  const signing = ['-c', 'gpg.format=x509', '-c', `gpg.x509.program=${program}`]
  const author = ['-c', 'user.name=interop', '-c', 'user.email=interop@example.org']
  await git([...signing, ...author, 'commit', '--quiet', '--allow-empty', '-S', '-m', 'signed'], environment)
  await writeFile(bundle, await git(['cat-file', 'commit', 'HEAD']))
  await waitUntilFound(session, await git(['rev-parse', 'HEAD']))
}

/** The commit as it was signed, but of the job's file: another file is another commit under the same signature. */
async function verifyCommit(
  program: string,
  session: Session,
  { file, bundle, identity }: VerifyJob,
  trust: Environment,
): Promise<void> {
  const git = await repositoryOf(session)
  const signed = await readFile(bundle, 'utf8')
  const commit = path.join(session.folder, 'commit')
  await writeFile(commit, signed.replace(/^tree [0-9a-f]+/, `tree ${await treeOf(git, file)}`))
  const id = await git(['hash-object', '-t', 'commit', '-w', commit])
  const expected = ['--certificate-identity', identity.email, '--certificate-oidc-issuer', identity.issuer]
  await session.run(program, ['verify', ...expected, id], {
    folder: repositoryFolder(session),
    environment: { ...services(session), ...trust },
  })
}

type Git = (args: readonly string[], environment?: Environment) => Promise<string>

async function repositoryOf(session: Session): Promise<Git> {
  const folder = repositoryFolder(session)
  await session.run('git', ['init', '--quiet', folder])
  return async (args, environment = {}) => {
    const { stdout } = await session.run('git', args, { folder, environment })
    return args[0] === 'cat-file' ? stdout : stdout.trim()
  }
}

function repositoryFolder({ folder }: Session): string {
  return path.join(folder, 'repository')
}

/** Of a folder with this one file. */
async function treeOf(git: Git, file: string): Promise<string> {
  const index = { GIT_INDEX_FILE: 'interop-index' }
  const blob = await git(['hash-object', '-w', file])
  await git(['read-tree', '--empty'], index)
  await git(['update-index', '--add', '--cacheinfo', `100644,${blob},file`], index)
  return git(['write-tree'], index)
}

function services({ endpoints }: Session): Environment {
  const { ca, rekor } = endpoints.services
  return {
    GITSIGN_FULCIO_URL: `${ca}`,
    GITSIGN_REKOR_URL: `${rekor}`,
    GITSIGN_OIDC_ISSUER: endpoints.issuer,
  }
}

/** The log answers before its search index has the entry, and gitsign finds a commit by searching. */
async function waitUntilFound({ endpoints }: Session, commit: string): Promise<void> {
  const artifact = new TextEncoder().encode(commit)
  const digest = Buffer.from(await crypto.subtle.digest('SHA-256', artifact)).toString('hex')
  for (let attempt = 0; attempt < 100; attempt++) {
    const answer = await fetch(`${endpoints.services.rekor}/api/v1/index/retrieve`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ hash: `sha256:${digest}` }),
    })
    if (((await answer.json()) as readonly string[]).length > 0) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new InteropError('failed', 'the search index does not find the commit')
}
