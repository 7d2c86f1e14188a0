/** Keys by every reference: files, variables, secrets of a cluster, programs. */

import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parsePublicKeyPem, verifySignature } from '@sigstack/crypto'
import { requestBounded } from '@sigstack/http-client'
import { startVault, vaultRootToken } from '@sigstack/signers/testing'
import t, { type Test } from 'tap'
import {
  createKeySecret,
  createPluginKey,
  type KeyContext,
  openSigningKey,
  openVerificationKey,
  parseKeyReference,
} from '../src/keys/index.ts'

const read = (name: string): string => readFileSync(new URL(`vectors/keys/${name}`, import.meta.url), 'utf8')
const sealed = read('cosign-3.1.3-p256.key')
const publicPem = read('cosign-3.1.3-p256.pub')
const publicKey = parsePublicKeyPem(publicPem)
const message = Buffer.from('hello')

function context(more: Partial<KeyContext> = {}): KeyContext {
  return {
    environment: {},
    exchange: requestBounded,
    read: async (location) => read(location),
    password: async () => 'secret',
    ...more,
  }
}

async function demandSigns(t: Test, reference: string, given: KeyContext): Promise<void> {
  const key = await openSigningKey(reference, given)
  const signature = await key.sign(message)
  t.ok(await verifySignature(publicKey, 'sha256', message, signature), reference)
  t.same((await openVerificationKey(reference, given)).spki, publicKey.spki, reference)
}

t.test('a reference is told by its scheme, and all else is a path', async (t) => {
  const kinds: readonly [reference: string, parsed: object][] = [
    ['cosign.key', { kind: 'text', location: 'cosign.key' }],
    ['C:\\keys\\cosign.key', { kind: 'text', location: 'C:\\keys\\cosign.key' }],
    ['odd:name', { kind: 'text', location: 'odd:name' }],
    ['https://keys.example/k', { kind: 'text', location: 'https://keys.example/k' }],
    ['env://NAME', { kind: 'environment', name: 'NAME' }],
    ['k8s://ns/name', { kind: 'kubernetes', namespace: 'ns', name: 'name' }],
    ['pkcs11:token=x', { kind: 'signer', uri: 'pkcs11:token=x' }],
    ['hashivault://x', { kind: 'signer', uri: 'hashivault://x' }],
    ['my-hsm://x/y', { kind: 'plug-in', plugin: 'my-hsm', uri: 'my-hsm://x/y' }],
  ]
  for (const [reference, parsed] of kinds) t.same(parseKeyReference(reference), parsed, reference)
  for (const reference of ['k8s://', 'k8s://ns', 'k8s://../x', 'k8s://ns/a/b', 'gitlab://x/y', 'github://x'])
    t.throws(() => parseKeyReference(reference), { code: 'no_key' }, reference)
})

t.test('a file is opened with the password, which a public key never asks for', async (t) => {
  const key = await openSigningKey('cosign-3.1.3-p256.key', context())
  t.same(key.publicKey.spki, publicKey.spki)
  const silent = context({
    password: async () => {
      throw new Error('nobody is asked')
    },
  })
  t.same((await openVerificationKey('cosign-3.1.3-p256.pub', silent)).spki, publicKey.spki)
  await t.rejects(openSigningKey('cosign-3.1.3-p256.pub', silent), { code: 'bad_key' })
  await t.rejects(openSigningKey('openssl-rsa.pem', silent), { code: 'bad_key', advice: /import-key-pair/ })
  await t.rejects(openVerificationKey('cosign-3.1.3-p256.key', silent), {
    code: 'bad_key',
    advice: 'To verify, name the public key.',
  })
})

t.test('a variable holds the key itself', async (t) => {
  const environment = { SECRET: sealed, PUBLIC: publicPem, EMPTY: '' }
  const given = context({ environment })
  t.same((await openSigningKey('env://SECRET', given)).publicKey.spki, publicKey.spki)
  t.same((await openVerificationKey('env://PUBLIC', given)).spki, publicKey.spki)
  for (const name of ['EMPTY', 'MISSING', 'constructor', ''])
    await t.rejects(openSigningKey(`env://${name}`, given), { code: 'no_key', message: /is not set$/ })
})

/** The secrets of one cluster, for who has the token. */
async function startCluster(
  t: Test,
): Promise<{ readonly url: string; readonly secrets: Map<string, string> }> {
  const secrets = new Map<string, string>()
  const server = createServer((request, response) => {
    const answer = (status: number, body: object): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    }
    const chunks: Buffer[] = []
    request
      .on('data', (chunk: Buffer) => chunks.push(chunk))
      .on('end', () => {
        if (request.headers.authorization !== 'Bearer t0ken')
          return answer(403, { kind: 'Status', message: 'secrets is forbidden' })
        const path = request.url ?? ''
        if (request.method === 'GET') {
          const found = secrets.get(path)
          return found === undefined
            ? answer(404, { message: 'secrets "x" not found' })
            : answer(200, JSON.parse(found) as object)
        }
        const body = Buffer.concat(chunks).toString()
        const { metadata } = JSON.parse(body) as { metadata: { name: string } }
        const place = `${path}/${metadata.name}`
        if (secrets.has(place)) return answer(409, { message: 'exists' })
        secrets.set(place, body)
        return answer(201, JSON.parse(body) as object)
      })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close().closeAllConnections())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, secrets }
}

function kubeconfig(server: string, user: object): string {
  return JSON.stringify({
    'current-context': 'here',
    contexts: [{ name: 'here', context: { cluster: 'c', user: 'u' } }],
    clusters: [{ name: 'c', cluster: { server } }],
    users: [{ name: 'u', user }],
  })
}

t.test('a secret of a cluster is made once, and signs with the password inside', async (t) => {
  const { url, secrets } = await startCluster(t)
  const folder = t.testdir({ config: kubeconfig(`${url}/`, { tokenFile: 'token' }), token: 't0ken\n' })
  const given = context({ environment: { KUBECONFIG: `${folder}/config:/nowhere` } })
  const place = { namespace: 'ns', name: 'pair' }
  const secret = { privateKey: sealed, publicKey: publicPem, password: 'secret' }
  await createKeySecret(place, secret, given)
  t.match(JSON.parse(secrets.get('/api/v1/namespaces/ns/secrets/pair') ?? ''), {
    kind: 'Secret',
    immutable: true,
    data: { 'cosign.password': 'c2VjcmV0' },
  })
  await t.rejects(createKeySecret(place, secret, given), {
    code: 'no_key',
    message: 'k8s://ns/pair exists already, and is not replaced',
  })
  await demandSigns(t, 'k8s://ns/pair', { ...given, password: async () => 'not asked' })
})

t.test('a cluster that refuses, or cannot be reached, is told with its own words', async (t) => {
  const { url, secrets } = await startCluster(t)
  secrets.set('/api/v1/namespaces/ns/secrets/odd', '{"data":{"cosign.key":"!"}}')
  const config = async (text: string, reference: string, message: RegExp): Promise<void> => {
    const folder = t.testdir({ config: text })
    const given = context({ environment: { KUBECONFIG: `${folder}/config` } })
    await t.rejects(openSigningKey(reference, given), { name: 'SigningError', message }, String(message))
  }
  const user = { token: 't0ken' }
  await config(kubeconfig(url, user), 'k8s://ns/none', /\(404\): secrets "x" not found$/)
  await config(kubeconfig(url, user), 'k8s://ns/odd', /^k8s:\/\/ns\/odd has no cosign.key$/)
  await config(kubeconfig(url, { token: 'x' }), 'k8s://ns/none', /\(403\): secrets is forbidden$/)
  await config(
    kubeconfig('http://127.0.0.1:1', user),
    'k8s://ns/none',
    /cannot be reached: the cluster at 127\.0\.0\.1:1: ECONNREFUSED$/,
  )
  await config(kubeconfig(url, { exec: {} }), 'k8s://ns/none', /such programs are not run$/)
  await config(kubeconfig('ftp://x', user), 'k8s://ns/none', /names no URL of the cluster$/)
  await config(kubeconfig(url, { 'client-key': 'no.pem' }), 'k8s://ns/none', /no\.pem, which .* names/)
  await config('{"current-context":"x"}', 'k8s://ns/none', /has no context "x"$/)
  await config(': [', 'k8s://ns/none', /it is not YAML$/)
  const nowhere = context({ environment: { KUBECONFIG: '/nowhere/config' } })
  await t.rejects(openSigningKey('k8s://ns/x', nowhere), { message: /^cannot read the kubeconfig/ })
})

t.test('what a kubeconfig names is no pipe, nor is the one in the home folder', async (t) => {
  const user = { tokenFile: 'token' }
  const folder = t.testdir({ config: kubeconfig('https://cluster.example', user), home: { '.kube': {} } })
  execFileSync('mkfifo', [`${folder}/token`, `${folder}/home/.kube/config`])
  const open = (environment: Record<string, string>) => openSigningKey('k8s://ns/x', context({ environment }))
  await t.rejects(open({ KUBECONFIG: `${folder}/config` }), {
    message: /cannot read .*token, which .*config names \(it is no regular file\)$/,
  })
  await t.rejects(open({ HOME: `${folder}/home` }), {
    message: /^cannot read the kubeconfig .* \(it is no regular file\)$/,
  })
  await t.rejects(open({ KUBECONFIG: '/dev/zero' }), { message: /\(it is larger than 4194304 bytes\)$/ })
})

t.test('a key that a service keeps signs, and what the service says is told', async (t) => {
  const vault = await startVault()
  t.teardown(() => vault.stop())
  const environment = { VAULT_ADDR: vault.url, VAULT_TOKEN: vaultRootToken }
  const given = context({ environment })
  const key = await openSigningKey('hashivault://p256', given)
  t.ok(await verifySignature(key.publicKey, 'sha256', message, await key.sign(message)))
  const signings = vault.signings()
  t.same((await openVerificationKey('hashivault://p256', given)).spki, key.publicKey.spki)
  t.equal(vault.signings(), signings, 'to verify, nothing is signed')
  await t.rejects(openSigningKey('hashivault://none', given), { name: 'SigningError', code: 'no_key' })
  vault.trouble('denied')
  await t.rejects(key.sign(message), { name: 'SigningError', code: 'no_key', message: /permission denied/ })
})

/** As a plug-in answers, with the key of the tests in place of one that nobody sees. */
const plugin = `import { createPrivateKey, createPublicKey, sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
const [version, asked] = process.argv.slice(2)
const { initOptions, methodName, signMessage } = JSON.parse(asked)
const key = createPrivateKey(readFileSync(new URL('key.pem', import.meta.url)))
const pem = createPublicKey(key).export({ type: 'spki', format: 'pem' })
const publicKeyPEM = Buffer.from(pem).toString('base64')
const answers = {
  publicKey: () => ({ publicKey: { publicKeyPEM } }),
  defaultAlgorithm: () => ({ defaultAlgorithm: { defaultAlgorithm: 'any' } }),
  createKey: () => ({ createKey: { publicKeyPEM } }),
  signMessage: () => ({
    signMessage: {
      signature: sign('sha384', initOptions.keyResourceID === 'liar' ? 'x' : readFileSync(0), key).toString('base64'),
    },
  }),
}
if (version !== '1' || initOptions.protocolVersion !== '1') throw new Error('another version')
if (methodName === 'signMessage' && (initOptions.hashFunc !== 6 || signMessage.signOptions.hashFunc !== 6))
  throw new Error('another hash')
const answer =
  initOptions.keyResourceID === 'none' ? { errorMessage: 'there is no such key' } : answers[methodName]()
console.log(initOptions.keyResourceID === 'garbage' ? 'hello' : JSON.stringify(answer))
process.exitCode = 3
`

t.test('a plug-in signs by its protocol, and its exit status says nothing', async (t) => {
  const program = `#!/bin/sh\nexec '${process.execPath}' "$(dirname "$0")/plugin.mjs" "$@"\n`
  const folder = t.testdir({
    'sigstore-kms-my-hsm': program,
    'plugin.mjs': plugin,
    'key.pem': read('openssl-p384.pem'),
  })
  chmodSync(`${folder}/sigstore-kms-my-hsm`, 0o755)
  const given = context({ environment: { PATH: `${folder}:${process.env['PATH']}` } })
  const key = await openSigningKey('my-hsm://a/b', given)
  t.equal(key.algorithm, 'ecdsa-sha2-384-nistp384')
  t.ok(await verifySignature(key.publicKey, 'sha384', message, await key.sign(message)))
  t.same((await openVerificationKey('my-hsm://a/b', given)).spki, key.publicKey.spki)
  const made = await createPluginKey({ plugin: 'my-hsm', uri: 'my-hsm://new' }, given.environment)
  t.same(made.spki, key.publicKey.spki)

  const liar = await openSigningKey('my-hsm://liar', given)
  await t.rejects(liar.sign(message), { message: /gave a signature that its public key does not verify$/ })
  await t.rejects(openSigningKey('my-hsm://none', given), { message: /refuses: "there is no such key"$/ })
  await t.rejects(openSigningKey('my-hsm://garbage', given), { message: /something that is no JSON$/ })
  await t.rejects(openSigningKey('other://x', given), {
    code: 'no_key',
    message: 'there is no program sigstore-kms-other on the PATH for keys of other://',
  })
  writeFileSync(`${folder}/sigstore-kms-odd`, 'no program')
  chmodSync(`${folder}/sigstore-kms-odd`, 0o644)
  await t.rejects(openSigningKey('odd://x', given), { code: 'no_key' })
})
