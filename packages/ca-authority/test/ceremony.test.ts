/** What an operator does with the authorities in a folder, while no CA runs on it. */
import '@sigstack/signers/few-rounds'
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  commitRotation,
  folderPassword,
  installChain,
  listAuthorities,
  openAuthoritySet,
  prepareRotation,
  requestCertificate,
  retireAuthority,
} from '@sigstack/ca-authority'
import { companyCa } from '@sigstack/ca-authority/testing'
import { createKeyFile } from '@sigstack/signers'
import { encodeCertificatePem, parseCertificatesPem } from '@sigstack/x509'
import t from 'tap'

// Keys are slow to make, on purpose.
t.setTimeout(600_000)

const names = { commonName: 'Signing CA', organization: 'Company' }

const pemOf = (chain: readonly { der: Uint8Array }[]) =>
  chain.map(({ der }) => encodeCertificatePem(der)).join('')

async function open(folder: string) {
  const { issuing, others } = await openAuthoritySet({
    folder,
    folderPassword: () => folderPassword(folder, undefined),
    organization: 'Company',
    now: new Date(),
    mayMake: true,
  })
  return { issuing: pemOf(issuing.chain), others: others.map(pemOf) }
}

t.test('rotation: prepared, committed, and the one before retired', async (t) => {
  const folder = t.testdir()
  t.same(await listAuthorities({ folder }), [], 'none before the first start')
  const before = await open(folder)
  t.match(await listAuthorities({ folder }), [{ name: 'first', state: 'issues', use: 'current' }])

  const { name, chain } = await prepareRotation({ folder, now: new Date() })
  const prepared = { issuing: before.issuing, others: [pemOf(chain)] }
  t.same(await open(folder), prepared, 'published, and nothing issues from it yet')
  t.match(await listAuthorities({ folder }), [{ use: 'current' }, { name, state: 'ready', use: 'prepared' }])

  await commitRotation({ folder, name, now: new Date() })
  const after = { issuing: pemOf(chain), others: [before.issuing] }
  t.same(await open(folder), after, 'the one before stays published')
  t.match(await listAuthorities({ folder }), [
    { name: 'first', state: 'ready', use: 'former' },
    { name, state: 'issues', use: 'current' },
  ])
  const uses = async () => (await listAuthorities({ folder })).map(({ use }) => use)
  await commitRotation({ folder, name: 'first', now: new Date() })
  t.same(await uses(), ['current', 'former'], 'made later, and used before')
  await commitRotation({ folder, name, now: new Date() })
  writeFileSync(join(folder, 'issuing'), `${name}\n`)
  t.same(await uses(), ['former', 'current'], 'as releases before wrote it')

  await t.rejects(retireAuthority({ folder, name }), { code: 'authority_unknown', message: /issues/ })
  await retireAuthority({ folder, name: 'first' })
  t.same((await open(folder)).others, [], 'the retired one is published no more')
  const again = commitRotation({ folder, name: 'first', now: new Date() })
  await t.rejects(again, /there is no authority "first"/)
})

t.test('an intermediate of the company: chain checks with a sentence each, installation', async (t) => {
  const home = t.testdir()
  const folder = join(home, 'data')
  const sign = companyCa(join(home, 'company'))
  const now = new Date()
  const { name, pem } = await requestCertificate({ folder, ...names, now })
  t.match(pem, /^-----BEGIN CERTIFICATE REQUEST-----/)
  t.match(
    execFileSync('openssl', ['req', '-verify', '-noout', '-subject', '-text'], { input: pem }).toString(),
    /O ?= ?Company, CN ?= ?Signing CA[\s\S]*CA:TRUE, pathlen:0[\s\S]*Code Signing/,
  )
  t.match(await listAuthorities({ folder }), [{ name, state: 'waits for its chain' }])
  await t.rejects(open(folder), /waits for its chain; install it/, 'no root of our own is made meanwhile')

  const chainPem = sign(pem)
  const parts = parseCertificatesPem(chainPem)
  const [leaf, root] = [pemOf(parts.slice(0, 1)), pemOf(parts.slice(1))]
  const basics =
    'basicConstraints=critical,CA:TRUE,pathlen:0\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n'
  const usage = 'keyUsage=critical,keyCertSign,cRLSign\n'
  const eku = 'extendedKeyUsage=codeSigning\n'
  const refusals: [string, string, RegExp][] = [
    ['nothing', '', /./],
    ['the root alone', root, /no authority waits for a chain with this key/],
    ['no root', leaf, /self-signed|no trusted root/],
    ['no code signing', sign(pem, basics + usage), /must have extended key usage code signing/],
    [
      'another usage',
      sign(pem, `${basics}${usage}extendedKeyUsage=serverAuth\n`),
      /lacks the extended key usage/,
    ],
    [
      'no CA',
      sign(pem, `basicConstraints=critical,CA:FALSE\nsubjectKeyIdentifier=hash\n${eku}`),
      /is not a CA/,
    ],
    [
      'no certSign',
      sign(pem, `${basics}keyUsage=critical,cRLSign\n${eku}`),
      /must have key usage certificate signing/,
    ],
    [
      'no key identifier',
      sign(pem, `basicConstraints=critical,CA:TRUE\nsubjectKeyIdentifier=none\n${usage}${eku}`),
      /must have a subject key identifier|key identifier of its issuer/,
    ],
  ]
  for (const [what, chain, message] of refusals)
    await t.rejects(installChain({ folder, chainPem: chain, now: new Date() }), { message }, what)
  const end = new Date(now.getTime() + 999.999 * 86_400_000)
  await t.rejects(
    installChain({ folder, chainPem, now: end }),
    { code: 'issuer_expires', message: 'certificate 1 of the chain ends before a new leaf would' },
    'ten minutes before its end',
  )

  t.same(await installChain({ folder, chainPem, now: new Date() }), { name, issues: true })
  t.equal((await open(folder)).issuing, leaf + root)
  t.notOk(existsSync(join(folder, 'root.key.pem')), 'no root of our own')
  await t.rejects(prepareRotation({ folder, now }), { code: 'root_missing' })

  const next = await requestCertificate({ folder, ...names, now: new Date(now.getTime() + 1000) })
  const installed = await installChain({ folder, chainPem: sign(next.pem), now: new Date() })
  t.same(installed, { name: next.name, issues: false }, 'a later one is published first')
})

t.test('where another pair issues already, an installed authority is published only', async (t) => {
  const home = t.testdir()
  const folder = join(home, 'data')
  const { name, pem } = await requestCertificate({ folder, ...names, now: new Date() })
  const chainPem = companyCa(join(home, 'company'))(pem)
  const installed = await installChain({ folder, chainPem, issuesAlready: true, now: new Date() })
  t.same(installed, { name, issues: false })
})

t.test('a key kept elsewhere is named by its URI, also for a later authority', async (t) => {
  const home = t.testdir()
  const folder = join(home, 'data')
  const sign = companyCa(join(home, 'company'))
  await open(folder)
  const keyPath = join(home, 'elsewhere.pem')
  await createKeyFile(keyPath, 'secret')
  const plain = execFileSync('openssl', ['pkcs8', '-in', keyPath, '-passin', 'pass:secret'])
  const plainPath = join(home, 'plain.pem')
  writeFileSync(plainPath, execFileSync('openssl', ['pkcs8', '-topk8', '-nocrypt'], { input: plain }))
  chmodSync(plainPath, 0o600)
  const now = new Date()
  await t.rejects(requestCertificate({ folder, ...names, keyUri: 'file:/nowhere.pem', now }), /cannot read/)
  t.equal((await listAuthorities({ folder })).length, 1, 'a key that cannot be opened leaves nothing behind')
  const { name, pem } = await requestCertificate({ folder, ...names, keyUri: `file:${plainPath}`, now })
  const chainPem = sign(pem)
  t.same(await installChain({ folder, chainPem, now: new Date() }), { name, issues: false })
  await commitRotation({ folder, name, now: new Date() })
  t.equal((await open(folder)).issuing, pemOf(parseCertificatesPem(chainPem)))
})

t.test('without the key of the root nothing is prepared, and nothing made', async (t) => {
  const folder = t.testdir()
  await open(folder)
  rmSync(join(folder, 'root.key.pem'))
  const before = readdirSync(folder).sort()
  await t.rejects(prepareRotation({ folder, now: new Date() }), {
    name: 'AuthorityError',
    code: 'root_missing',
    message: /put root\.key\.pem there for the time of the rotation/,
  })
  t.same(readdirSync(folder).sort(), before)
})
