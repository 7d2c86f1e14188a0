import { defaultClientAlgorithms } from '@sigstack/crypto'
/** Facts in an index that an older release has made. */
import type { Pool } from '@sigstack/postgres'
import { verifyProposal } from '@sigstack/rekor-entries'
import { auditRekor, reindex, searchKeyOf, searchKeysOfEntry } from '@sigstack/rekor-log'
import t from 'tap'
import { createTestCa } from './certified.ts'
import { emptyDatabase, indexedUpTo, startRekor } from './running-log.ts'
import { entryVector } from './support.ts'

const rows = async (pool: Pool) =>
  (await pool.query('select * from search_key order by key, leaf_index')).rows
const findings = async (pool: Pool) => (await auditRekor({ pool, search: 'all' })).findings

t.test(
  'facts of an index from before are found, and have their new form once it is built anew',
  async (t) => {
    const log = await startRekor(t, { ...(await emptyDatabase(t)), keysFolder: t.testdir({}) })
    const { pool, url } = log
    const issuer = 'https://accounts.example.org'
    const { proposal } = await (await createTestCa()).propose(
      'a',
      { type: 'email', value: 'a@example.org' },
      issuer,
    )
    const payload = { method: 'POST', headers: { 'content-type': 'application/json' } }
    const added = await fetch(`${url}/api/v1/log/entries`, { ...payload, body: JSON.stringify(proposal) })
    t.equal(added.status, 201)
    await indexedUpTo(pool, 1)
    const found = async () => {
      const answer = await fetch(`${url}/api/v1/search?issuer=${encodeURIComponent(issuer)}`)
      return ((await answer.json()) as { entries: unknown[] }).entries.length
    }
    const anew = await rows(pool)
    const [{ log_id: logId }] = (await pool.query<{ log_id: Buffer }>('select log_id from search_position'))
      .rows as [{ log_id: Buffer }]
    const now = searchKeyOf(logId, { fact: 'issuer', value: issuer })
    const before = searchKeyOf(logId, `\0issuer:${issuer}`)
    await pool.query('update search_key set key = $1 where key = $2', [before, now])
    t.notSame(await rows(pool), anew)
    t.equal(await found(), 1)
    t.equal((await findings(pool)).length, 2, 'rows that are not the entry’s own are told')
    await pool.query('update search_position set facts_from = next_index')
    t.same(await findings(pool), [], 'but not where they are of before')
    await reindex({ pool })
    t.same(await rows(pool), anew)
    t.same(await findings(pool), [])
    t.equal(await found(), 1)
  },
)

t.test(
  'what a hashedrekord is found by, read from its body at once, is what it was found by when it was logged',
  async (t) => {
    const ca = await createTestCa()
    const issuer = 'https://accounts.example.org'
    const policy = { allowedAlgorithms: defaultClientAlgorithms, now: () => new Date('2021-12-01T00:00:00Z') }
    const mail = await ca.propose('a', { type: 'email', value: 'Ann@example.org' }, issuer)
    const uri = await ca.propose('b', { type: 'uri', value: 'https://ci.example.org/Build' }, issuer)
    const names = ['hashedrekord', 'hashedrekord-rsa2048-sha256']
    const proposals = [
      mail.proposal,
      uri.proposal,
      ...names.map((name) => entryVector(`derived/${name}.json`).proposal),
    ]
    for (const proposal of proposals) {
      const { body, searchKeys } = await verifyProposal(proposal, policy)
      const found = searchKeysOfEntry({ leaf: body, extra: undefined })
      t.same(new Set(found.filter((key) => typeof key === 'string')), new Set(searchKeys))
    }
  },
)
