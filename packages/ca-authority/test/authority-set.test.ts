/** The authorities in a folder, as they are made, found, and refused. */
import '@sigstack/signers/few-rounds'
import { chmodSync, copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type AuthoritySetOptions, folderPassword, openAuthoritySet } from '@sigstack/ca-authority'
import { createKeyFile } from '@sigstack/signers'
import { encodeCertificatePem } from '@sigstack/x509'
import t from 'tap'

// Keys are slow to make, on purpose.
t.setTimeout(600_000)

async function open(folder: string, more: Partial<AuthoritySetOptions> = {}) {
  const { issuing, others } = await openAuthoritySet({
    folder,
    folderPassword: () => folderPassword(folder, undefined),
    organization: 'Company',
    now: new Date(),
    mayMake: true,
    ...more,
  })
  const pemOf = (chain: readonly { der: Uint8Array }[]) =>
    chain.map(({ der }) => encodeCertificatePem(der)).join('')
  return { chainPem: pemOf(issuing.chain), others: others.map(pemOf) }
}

t.test('replicas that start at once on one folder agree on one authority', async (t) => {
  const folder = t.testdir()
  const opened = await Promise.all(Array.from({ length: 5 }, () => open(folder)))
  t.equal(new Set(opened.map(({ chainPem }) => chainPem)).size, 1)
})

t.test('a folder is found by its own name, whatever that would mean in a URI', async (t) => {
  const home = t.testdir()
  const names = ['a b', 'a%20b', "100% #ü?'"]
  const chains = new Set<string>()
  for (const name of names) {
    const { chainPem } = await open(join(home, name))
    t.equal((await open(join(home, name))).chainPem, chainPem, name)
    chains.add(chainPem)
  }
  t.equal(chains.size, names.length, 'no two folders share a key')
})

t.test('key and chain that do not belong together are refused with one sentence', async (t) => {
  const home = t.testdir()
  const [a, b] = [join(home, 'a'), join(home, 'b')]
  await open(a)
  await open(b)
  const chain = join(a, 'chain.pem')
  const own = readFileSync(chain, 'utf8')
  copyFileSync(join(b, 'chain.pem'), chain)
  await t.rejects(open(a), {
    name: 'AuthorityError',
    code: 'chain_refused',
    message: /the signing key does not belong to the first certificate/,
  })
  const [issuing = '', root = ''] = own.split(/(?<=-----END CERTIFICATE-----\n)/)
  writeFileSync(chain, root + issuing)
  await t.rejects(open(a), { code: 'chain_refused', message: /chain\.pem cannot be used/ })
  writeFileSync(chain, issuing)
  await t.rejects(open(a), { code: 'chain_refused' })
  for (const text of ['', 'hello', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n']) {
    writeFileSync(chain, text)
    await t.rejects(open(a), { name: 'AuthorityError', code: 'chain_unreadable' })
  }
  writeFileSync(chain, own)
  await t.rejects(open(a, { folderPassword: async () => 'wrong' }), {
    name: 'SignerError',
    code: 'wrong_password',
  })
  chmodSync(join(a, 'intermediate.key.pem'), 0o644)
  await t.rejects(open(a), { name: 'SignerError', code: 'unsafe_permissions' })
})

t.test("the operator's own pair issues in place of the one in the folder, if it is a pair", async (t) => {
  const home = t.testdir()
  const [made, folder] = [join(home, 'made'), join(home, 'data')]
  const ownPassword = 'secret'
  const { chainPem } = await open(made, { folderPassword: async () => ownPassword })
  const keyUri = `file:${join(made, 'intermediate.key.pem')}`
  const chainPath = join(made, 'chain.pem')
  const ownAuthority = { keyUri, chainPath }
  t.equal((await open(folder, { ownAuthority, ownPassword })).chainPem, chainPem)
  t.notOk(existsSync(folder), 'and nothing is made')
  const other = join(home, 'other.pem')
  await createKeyFile(other, ownPassword)
  const unequal = { keyUri: `file:${other}`, chainPath }
  await t.rejects(open(folder, { ownAuthority: unequal, ownPassword }), { code: 'chain_refused' })
})

t.test('chains of a file are trusted beside it, if each is whole and ends in its root', async (t) => {
  const home = t.testdir()
  const chains: string[] = []
  for (const name of ['a', 'b']) chains.push((await open(join(home, name))).chainPem)
  const trustedChainsPath = join(home, 'trusted.pem')
  writeFileSync(trustedChainsPath, chains.join(''))
  t.same((await open(join(home, 'c'), { trustedChainsPath })).others, chains)
  t.same((await open(join(home, 'a'), { trustedChainsPath })).others, chains.slice(1), 'not its own again')
  const [[issuing = ''] = [], [, root = ''] = []] = chains.map((chain) =>
    chain.split(/(?<=-----END CERTIFICATE-----\n)/),
  )
  for (const text of [issuing, issuing + root]) {
    writeFileSync(trustedChainsPath, text)
    await t.rejects(open(join(home, 'c'), { trustedChainsPath }), { code: 'chain_refused' })
  }
})

t.test('a root that was taken away is asked for and never made anew', async (t) => {
  const folder = t.testdir()
  await open(folder)
  rmSync(join(folder, 'root.key.pem'))
  await open(folder)
  rmSync(join(folder, 'chain.pem'))
  await t.rejects(open(folder), {
    name: 'AuthorityError',
    code: 'root_missing',
    message: /neither chain\.pem nor root\.key\.pem/,
  })
  t.notOk(existsSync(join(folder, 'root.key.pem')), 'no new CA begins in silence')
})

t.test('while an authority issues, a folder that has gone is no wish for a new root', async (t) => {
  const folder = join(t.testdir(), 'data')
  await t.rejects(open(folder, { mayMake: false }), { code: 'chain_unreadable', message: /has gone$/ })
  t.notOk(existsSync(folder))
})
