/** Certificates in the search: by name, issuer, serial number and digest, in order and by pages, and what is not known yet. */
import { encodePublicKeyPem, parsePublicKey, sha256Hex, toHex, utf8 } from '@sigstack/crypto'
import { merkleTreeLeaf } from '@sigstack/ct'
import { leafHash } from '@sigstack/merkle'
import { createTestCa } from '@sigstack/x509/testing'
import t from 'tap'
import { keysOfReadings } from '../src/search/certificate-keys.ts'
import { createCertificateSearch } from '../src/search/certificates.ts'
import { guess } from '../src/search/guess.ts'
import { SourceError } from '../src/sources/errors.ts'
import { openTileLog } from './tile-log.ts'
import { openAuthority } from './tree-workshop.ts'
import { now, openConsole } from './workshop.ts'

const script = '<script>document.title="owned"</script>'

function keysOf(text: string): readonly string[] {
  const guessed = guess(text)
  return guessed.go === 'search' ? keysOfReadings(guessed.readings) : []
}

/** A log of these leaves, which counts what is read of it. */
function logOf(leaves: readonly Uint8Array[]) {
  const log = { leaves, reads: 0 }
  return {
    counted: log,
    log: {
      shown: async () => ({ origin: 'log', treeSize: BigInt(log.leaves.length) }),
      leaves: async (first: bigint, end: bigint) => {
        log.reads++
        return log.leaves.slice(Number(first), Number(end))
      },
    },
  }
}

async function certified(email: string) {
  const ca = await createTestCa(now)
  const { der, pem, signer } = await ca.certify({ type: 'email', value: email }, 'https://issuer.example')
  const leaf = merkleTreeLeaf({
    timestampMs: now.getTime(),
    entry: { type: 'x509', certificate: der },
    extensions: new Uint8Array(),
  })
  return { leaf, der, pem, key: encodePublicKeyPem(signer.publicKey), spki: signer.publicKey.spki }
}

t.test('a certificate is found by each thing that people have of it', async (t) => {
  const { precertify } = await openAuthority()
  const { leaf: precertificate } = await precertify('bob!example.org')
  const alice = await certified('alice@example.org')
  const { log } = logOf([utf8('none'), precertificate, alice.leaf])
  const search = createCertificateSearch({ log, most: 1_000, patienceMs: 600_000 })
  const indexes = async (text: string) =>
    (await search({ keys: keysOf(text), order: 'newest' })).entries.map(({ logIndex }) => Number(logIndex))
  for (const [what, text, found] of [
    ['e-mail address', 'alice@example.org', [2]],
    ['user name', 'bob!example.org', [1]],
    ['issuer', 'https://issuer.example', [2, 1]],
    ['serial number', '00:00:00:07', [1]],
    ['hash of the leaf', toHex(leafHash(precertificate)), [1]],
    ['digest of the certificate', `sha256:${sha256Hex(alice.der)}`, [2]],
    ['hash of the key', sha256Hex(alice.spki), [2]],
    ['key', alice.key, [2]],
    ['certificate', alice.pem, [2]],
    ['another', 'carol@example.org', []],
    ['a digest of another kind', `sha512:${'ab'.repeat(64)}`, []],
  ] as const)
    t.same(await indexes(text), found, what)
  t.ok(parsePublicKey(alice.spki))
})

t.test('leaves are read once, the newest are known, and pages follow each other', async (t) => {
  const { precertify } = await openAuthority()
  const { leaf } = await precertify('bob!example.org')
  const at = (index: number) => {
    const timed = Buffer.from(leaf)
    timed.writeBigUInt64BE(BigInt(index), 2)
    return timed
  }
  const { counted, log } = logOf(Array.from({ length: 600 }, (_, index) => at(index)))
  const search = createCertificateSearch({ log, most: 512, patienceMs: 600_000 })
  const keys = keysOf('bob!example.org')
  const found = await search({ keys, order: 'newest' })
  t.match(found, { size: 600n, first: 256n, isWhole: true, next: 580n })
  t.same(
    found.entries.map(({ logIndex }) => logIndex),
    Array.from({ length: 20 }, (_, index) => BigInt(599 - index)),
  )
  const before = counted.reads
  const next = await search({ keys, order: 'newest', from: found.next })
  t.equal(next.entries[0]?.logIndex, 579n)
  t.equal(counted.reads, before + 1, 'what is shown is read, and nothing else')
  const oldest = await search({ keys, order: 'oldest', afterMs: 300, beforeMs: 303 })
  t.same(
    oldest.entries.map(({ logIndex }) => logIndex),
    [300n, 301n, 302n],
  )
  t.equal((await search({ keys, order: 'oldest', from: 301n, afterMs: 300 })).entries[0]?.logIndex, 302n)
  counted.leaves = [...counted.leaves, at(600)]
  t.equal((await search({ keys, order: 'newest' })).entries[0]?.logIndex, 600n, 'it goes on with the log')
})

t.test('who does not want to wait is told what is not known yet', async (t) => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const { leaf } = await certified('alice@example.org')
  const { log } = logOf([leaf])
  const slow = {
    ...log,
    leaves: async (first: bigint, end: bigint) => {
      await promise
      return log.leaves(first, end)
    },
  }
  const search = createCertificateSearch({ log: slow, most: 256, patienceMs: 0 })
  const keys = keysOf('alice@example.org')
  t.match(await search({ keys, order: 'newest' }), { entries: [], isWhole: false })
  resolve()
  let found = await search({ keys, order: 'newest' })
  while (found.entries.length === 0) found = await search({ keys, order: 'newest' })
  t.equal(found.entries[0]?.logIndex, 0n)

  const broken = {
    shown: async () => {
      throw new SourceError('unavailable', 'away')
    },
    leaves: log.leaves,
  }
  await t.rejects(createCertificateSearch({ log: broken, most: 256 })({ keys, order: 'newest' }), {
    code: 'unavailable',
  })
})

t.test('the page of a search shows certificates beside entries, and as data', async (t) => {
  const { precertify } = await openAuthority()
  const { leaf } = await precertify(`${script}!example.org`)
  const log = await openTileLog(t, [leaf])
  const settings = { CONSOLE_CT_URL: log.url }
  const { url } = await openConsole(t, { url: '', trustedRoot: '{}' }, settings)
  const get = async (path: string) => (await fetch(url + path)).text()
  for (const text of ['00:00:00:07', `${script}!example.org`, 'https://issuer.example']) {
    const page = await get(`/search?q=${encodeURIComponent(text)}`)
    t.match(page, 'Certificates that were found', text)
    t.match(page, '<a href="/entry/ct/0">0</a>', text)
    t.notMatch(page, script)
    t.notMatch(page, 'Entries that were found')
  }
  const { certificates } = JSON.parse(await get('/search.json?q=https://issuer.example'))
  t.match(certificates, {
    entries: [
      { path: '/entry/ct/0', logIndex: '0', kind: 'precertificate', integratedTime: now.toISOString() },
    ],
    searchedFrom: '0',
    size: '1',
    isWhole: true,
  })
  t.match(await get('/search.csv?q=https://issuer.example'), /^0,2026-03-01T12:00:00.000Z,precertificate,/m)
  t.match(await get('/search.atom?q=https://issuer.example'), '/entry/ct/0')
  t.match(await get('/search?q=carol@example.org'), 'No certificate was found')
  t.notMatch(await get('/search?q=https://issuer.example&kind=dsse'), 'id="certificates"')

  const away = await openConsole(t, { url: '', trustedRoot: '{}' }, { CONSOLE_CT_URL: 'http://127.0.0.1:9' })
  const page = await (await fetch(`${away.url}/search?q=carol@example.org`)).text()
  t.match(page, 'The log of certificates cannot be asked now')
  const off = await openConsole(
    t,
    { url: '', trustedRoot: '{}' },
    { ...settings, CONSOLE_SEARCHED_CERTIFICATES: '0' },
  )
  t.notMatch(await (await fetch(`${off.url}/search?q=carol@example.org`)).text(), 'Certificates')
})
