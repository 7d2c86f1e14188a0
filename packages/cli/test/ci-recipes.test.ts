/** The recipes in docs/guides, command by command as they stand there, with stand-ins for who gives the tokens. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { parse, stringify } from 'yaml'
import { createIssuer, type StandInIssuer, signToken } from '../../../services/ca/test/support/oidc.ts'
import { gitHubClaims, gitLabClaims, kubernetesClaims } from '../../../services/ca/test/support/tokens.ts'
import { startRegistry } from './registries.ts'
import { startTestStack } from './test-stack.ts'

t.setTimeout(600_000)

const root = fileURLToPath(new URL('../../..', import.meta.url))
const folder = t.testdir({ bin: {}, 'README.md': 'hello\n' })
const secret = 's3cret'

/** The block of a page that is a file of its own, and the others, which are of the CA's configuration. */
function recipe(page: string) {
  const source = readFileSync(path.join(root, 'docs/guides', page), 'utf8')
  const blocks = [...source.matchAll(/^( *)```yaml\n([\s\S]*?)^ *```$/gm)].map(([, indent = '', yaml = '']) =>
    yaml.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  )
  const [ca = '', job = ''] = blocks
  t.equal(blocks.length, 2, page)
  return { issuers: parse(ca)['oidc-issuers'] as Record<string, object>, job: parse(job) }
}

const gitHub = recipe('github-actions.md')
const gitLab = recipe('gitlab-ci.md')
const kubernetes = recipe('kubernetes-job.md')
const [gitHubUrl = ''] = Object.keys(gitHub.issuers)
const [gitLabUrl = ''] = Object.keys(gitLab.issuers)
const [clusterUrl = ''] = Object.keys(kubernetes.issuers)

/** All three issuers, and the place where a job of GitHub asks for its token. */
const issuers = new Map<string, StandInIssuer>()
const server = createServer((request, reply) => {
  void answer(request).then(([status, body]) =>
    reply.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body)),
  )
})
server.listen(0, '127.0.0.1')
await once(server, 'listening')
t.teardown(() => server.close())
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
for (const name of ['github', 'gitlab', 'cluster']) issuers.set(name, await createIssuer(`${url}/${name}`))

async function answer({ url: asked = '', headers }: IncomingMessage): Promise<[number, object]> {
  const [, name = '', ...rest] = asked.split('/')
  const issuer = issuers.get(name)
  if (issuer === undefined) return [404, {}]
  if (rest.join('/') === 'keys') return [200, { keys: issuer.keys }]
  if (rest.join('/') === '.well-known/openid-configuration')
    return [
      200,
      {
        issuer: issuer.url,
        jwks_uri: `${issuer.url}/keys`,
        id_token_signing_alg_values_supported: issuer.algorithms,
        response_types_supported: ['id_token'],
        subject_types_supported: ['public'],
      },
    ]
  const query = new URL(asked, url).searchParams
  if (headers.authorization?.toLowerCase() !== `bearer ${secret}` || query.get('audience') !== 'sigstore')
    return [403, {}]
  return [200, { value: await signToken(issuer, { ...gitHubClaims, ...tagged.gitHub }), count: 1 }]
}

const tagged = {
  gitHub: {
    sub: 'repo:acme/app:ref:refs/tags/v1.0.0',
    ref: 'refs/tags/v1.0.0',
    job_workflow_ref: 'acme/app/.github/workflows/release.yml@refs/tags/v1.0.0',
    workflow_ref: 'acme/app/.github/workflows/release.yml@refs/tags/v1.0.0',
  },
  gitLab: {
    sub: 'project_path:acme/app:ref_type:tag:ref:v1.0.0',
    ref: 'v1.0.0',
    ref_type: 'tag',
    ci_config_ref_uri: 'gitlab.com/acme/app//.gitlab-ci.yml@refs/tags/v1.0.0',
  },
}

/** What a page names is where its stand-in is. */
function here(words: string): string {
  return words
    .replaceAll(gitHubUrl, `${url}/github`)
    .replaceAll(clusterUrl, `${url}/cluster`)
    .replaceAll('"$CI_SERVER_URL" ', `${url}/gitlab `)
    .replaceAll('/var/run/sigstore/cosign', folder)
}

const configuration = Object.entries({ ...gitHub.issuers, ...gitLab.issuers, ...kubernetes.issuers }).map(
  ([issuer, entry]) => {
    const place = issuer === gitLabUrl ? `${url}/gitlab` : here(issuer)
    return [place, { ...entry, 'issuer-url': place }]
  },
)
writeFileSync(path.join(folder, 'ca.yaml'), stringify({ 'oidc-issuers': Object.fromEntries(configuration) }))
const stack = await startTestStack(t, {
  SIGSTACK_DATA: path.join(folder, 'data'),
  SIGSTACK_CA_CONFIG_FILE: path.join(folder, 'ca.yaml'),
  SIGSTACK_PRIVATE_ISSUERS: [...issuers.values()].map((issuer) => issuer.url).join(),
})
const instance = stack.endpoints.services['trust'] ?? ''
const registry = await startRegistry(t)

const main = path.join(root, 'packages/cli/src/main.ts')
program('sigstack', `exec '${process.execPath}' '${main}' "$@"`)
program('npm', 'test "$*" = "install --global $SIGSTACK_PACKAGE"')

function program(name: string, script: string): void {
  writeFileSync(path.join(folder, 'bin', name), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
}

/** As the CI service runs it: one that fails ends the job. */
async function runScript(t: Test, script: string, environment: Record<string, string>, home: string) {
  mkdirSync(path.join(folder, home), { recursive: true })
  const child = spawn('bash', ['-eo', 'pipefail', '-c', here(script)], {
    cwd: folder,
    env: {
      PATH: `${path.join(folder, 'bin')}:${process.env['PATH']}`,
      NODE_COMPILE_CACHE: path.join(root, 'node_modules/.cache/compiled'),
      HOME: path.join(folder, home),
      DOCKER_CONFIG: '/nowhere',
      SIGSTACK_INSTANCE: instance,
      SIGSTACK_PACKAGE: 'https://packages.example/sigstack.tgz',
      ...environment,
    },
  })
  const [out, err, [status]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ])
  t.equal(status, 0, `${script}\n${out}${err}`)
  return `${out}${err}`
}

t.test('GitHub Actions: image, attestation and file are signed as the workflow, and verify', async (t) => {
  const { pinned } = await registry.push('github')
  const known: Record<string, string> = {
    'vars.SIGSTACK_INSTANCE': instance,
    'vars.SIGSTACK_PACKAGE': 'https://packages.example/sigstack.tgz',
    'github.workflow_ref': tagged.gitHub.workflow_ref,
  }
  const value = (written: string): string =>
    written
      .replace('ghcr.io/acme/app@${{ steps.push.outputs.digest }}', pinned)
      .replaceAll(
        /\$\{\{ ([\w.]+) \}\}/g,
        (_, name: string) => known[name] ?? assert.fail(`${name} is not known`),
      )
  const values = (env: Record<string, string> = {}) =>
    Object.fromEntries(Object.entries(env).map(([name, written]) => [name, value(written)]))
  const { permissions, jobs } = gitHub.job
  t.equal(permissions['id-token'], 'write', 'without it GitHub gives no token')
  let told = ''
  let commands = 0
  for (const { run, env } of jobs.release.steps) {
    if (run === undefined) continue
    commands++
    told += await runScript(
      t,
      run,
      {
        ...values(jobs.release.env),
        ...values(env),
        ACTIONS_ID_TOKEN_REQUEST_URL: `${url}/github/token?api-version=2.0`,
        ACTIONS_ID_TOKEN_REQUEST_TOKEN: secret,
        GITHUB_REPOSITORY: 'acme/app',
        GITHUB_SHA: 'cccc',
        GITHUB_RUN_ID: '789',
      },
      'github',
    )
  }
  t.equal(commands, 4)
  t.match(told, 'Using the identity token of github-actions.')
  t.match(told, /Verification for \S+ --[^]*Verified OK\n$/)
  t.notMatch(told, secret)
})

t.test('GitLab CI: a file is signed as the pipeline, and verifies', async (t) => {
  const { sign } = gitLab.job
  t.same(sign.id_tokens, { SIGSTORE_ID_TOKEN: { aud: 'sigstore' } })
  const issuer = issuers.get('gitlab')
  const token = issuer && (await signToken(issuer, { ...gitLabClaims, ...tagged.gitLab }))
  const script = (sign.script as readonly string[]).join('\n')
  const told = await runScript(
    t,
    script,
    {
      SIGSTORE_ID_TOKEN: token ?? '',
      CI_SERVER_URL: gitLabUrl,
      CI_PROJECT_PATH: 'acme/app',
      CI_COMMIT_TAG: 'v1.0.0',
    },
    'gitlab',
  )
  t.match(told, /Verified OK\n$/)
  const [, , signature = ''] = (token ?? '').split('.')
  const shown = readFileSync(path.join(folder, 'token.txt'), 'utf8')
  t.match(shown, /project_path +acme\/app\n/)
  t.notMatch(`${shown}${told}`, signature)
})

t.test('Kubernetes: an image is signed as the service account, and verifies', async (t) => {
  const { metadata, spec } = kubernetes.job
  const pod = spec.template.spec
  const [container] = pod.containers
  const [{ projected }] = pod.volumes
  const { path: file, audience } = projected.sources[0].serviceAccountToken
  t.equal(container.volumeMounts[0].mountPath, '/var/run/sigstore/cosign')
  const issuer = issuers.get('cluster')
  const claims = kubernetesClaims(metadata.namespace, pod.serviceAccountName)
  const token = issuer && (await signToken(issuer, { ...claims, aud: [audience] }))
  writeFileSync(path.join(folder, file), token ?? '')
  const { pinned } = await registry.push('cluster')
  const told = await runScript(t, container.args[0], { IMAGE: pinned }, 'cluster')
  t.match(told, /Verification for \S+ --/)
})
