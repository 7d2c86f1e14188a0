/** A timestamp authority's folder: made once, renewed before its certificate ends, the former chain kept. */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import {
  commitStampRotation,
  listStampAuthorities,
  openStampAuthorities,
  prepareStampRotation,
  retireStampAuthority,
} from '@sigstack/ca-authority'
import '@sigstack/signers/few-rounds'
import t from 'tap'

const now = new Date()
const password = 'a password'
const optionsOf = (folder: string, mayMake = true) => ({
  folder,
  organization: 'example.org',
  now,
  mayMake,
  folderPassword: async () => password,
})
const year = 365 * 86_400_000
const hexOf = (chain: readonly { readonly der: Uint8Array }[] | undefined) =>
  chain?.map(({ der }) => Buffer.from(der).toString('hex'))

t.test(
  'the first start makes root, intermediate and a certificate, and each later one finds them',
  async (t) => {
    const folder = path.join(t.testdir(), 'tsa')
    const together = await Promise.all([1, 2, 3].map(() => openStampAuthorities(optionsOf(folder))))
    const again = await openStampAuthorities(optionsOf(folder, false))
    for (const { stamping, others } of together) {
      t.same(hexOf(stamping.chain), hexOf(again.stamping.chain), 'replicas that start at once agree')
      t.same(others, [])
    }
    const [leaf, intermediate, root, surplus] = again.stamping.chain
    t.equal(surplus, undefined)
    t.equal(leaf.isCa, false)
    t.equal(intermediate?.isCa, true)
    t.same(intermediate?.extendedKeyUsages, ['1.3.6.1.5.5.7.3.8'])
    t.equal(root?.isCa, true)
    t.ok(leaf.notAfter.getTime() - now.getTime() > year)
    t.ok((intermediate?.notAfter.getTime() ?? 0) > leaf.notAfter.getTime())
  },
)

t.test('a rotation is published first, then stamps, and the former chain stays', async (t) => {
  const folder = path.join(t.testdir(), 'tsa')
  const { stamping: first } = await openStampAuthorities(optionsOf(folder))
  const { name, chain } = await prepareStampRotation({ folder, password, now })
  const prepared = await openStampAuthorities(optionsOf(folder, false))
  t.same(hexOf(prepared.stamping.chain), hexOf(first.chain), 'the first goes on to stamp')
  t.same(prepared.others.map(hexOf), [hexOf(chain)], 'the next is published')

  await commitStampRotation({ folder, password, name, now })
  const turned = await openStampAuthorities(optionsOf(folder, false))
  t.same(hexOf(turned.stamping.chain), hexOf(chain))
  t.same(turned.others.map(hexOf), [hexOf(first.chain)])
  const [before, after] = [first.chain[0], turned.stamping.chain[0]]
  t.ok(after.notBefore < before.notAfter, 'both are valid for a while')
  t.not(hexOf([before])?.[0], hexOf([after])?.[0])
  t.same(
    (await listStampAuthorities({ folder })).map(({ state }) => state),
    ['ready', 'issues'],
  )

  const { name: formerName } = (await listStampAuthorities({ folder }))[0] ?? { name: '' }
  await retireStampAuthority({ folder, name: formerName })
  t.same((await openStampAuthorities(optionsOf(folder, false))).others, [])
  await t.rejects(commitStampRotation({ folder, password, name: formerName, now }), {
    code: 'authority_unknown',
  })
  await t.rejects(retireStampAuthority({ folder, name }), { message: /stamps; let another one stamp first/ })
  await t.rejects(retireStampAuthority({ folder, name: 'none' }), {
    message: /"none"; see `sigstack tsa chains`/,
  })
})

t.test('the intermediate is renewed by its root before a certificate would outlive it', async (t) => {
  const folder = path.join(t.testdir(), 'tsa')
  const { stamping } = await openStampAuthorities(optionsOf(folder))
  const later = new Date(now.getTime() + 9 * year)
  const { chain } = await prepareStampRotation({ folder, password, now: later })
  t.ok((chain[1]?.notAfter.getTime() ?? 0) > (stamping.chain[1]?.notAfter.getTime() ?? 0))
  t.same(hexOf(chain)?.[2], hexOf(stamping.chain)?.[2], 'under the same root')
  t.ok((chain[0]?.notAfter.getTime() ?? 0) - later.getTime() > year)
})

t.test('without the key of the intermediate nothing is made, and it is said which file lacks', async (t) => {
  const folder = path.join(t.testdir(), 'tsa')
  await openStampAuthorities(optionsOf(folder))
  rmSync(path.join(folder, 'intermediate.key.pem'))
  await t.rejects(prepareStampRotation({ folder, password, now }), {
    code: 'root_missing',
    message: /intermediate\.key\.pem/,
  })
  t.equal((await listStampAuthorities({ folder })).length, 1)
})

t.test('a key and a chain of the operator stamp in place of those of the folder', async (t) => {
  const directory = t.testdir()
  const other = path.join(directory, 'other')
  const theirs = await openStampAuthorities(optionsOf(other))
  const chainPath = path.join(other, 'authorities/0-first/chain.pem')
  const keyUri = `file:${path.join(other, 'authorities/0-first/key.pem')}`
  const own = { ownAuthority: { keyUri, chainPath }, ownPassword: password }
  const folder = path.join(directory, 'own')
  const { stamping, others } = await openStampAuthorities({ ...optionsOf(folder), ...own })
  t.same(hexOf(stamping.chain), hexOf(theirs.stamping.chain))
  t.same(others, [])
  const pem = readFileSync(chainPath, 'utf8')
  writeFileSync(chainPath, pem.slice(pem.indexOf('-----BEGIN', 10)))
  await t.rejects(openStampAuthorities({ ...optionsOf(folder), ...own }), { code: 'chain_refused' })
})

t.test('a folder that has gone makes no new authority while one stamps', async (t) => {
  const folder = path.join(t.testdir(), 'tsa')
  await openStampAuthorities(optionsOf(folder))
  renameSync(folder, `${folder}-elsewhere`)
  await t.rejects(openStampAuthorities(optionsOf(folder, false)), { code: 'chain_unreadable' })
})
