import { parseTrustedRoot } from '@sigstack/trust-root'
import t from 'tap'
import { readEntry } from '../src/entry/read-entry.ts'
import { createRekor } from '../src/sources/rekor.ts'
import { openLog, signedEntry } from './workshop.ts'

t.test('each trusted root has verdicts of its own, whatever was checked before', async (t) => {
  const { body, root } = await signedEntry('alice!example.org')
  const { root: another } = await signedEntry('alice!example.org')
  const log = await openLog(t, [{ body }], { roots: [root] })
  const entry = await createRekor(log.url).entryAt(0n)
  if (entry === undefined) throw new Error('the log has no entry')
  const trusting = (text: string) => ({ root: parseTrustedRoot(text), sha256: '', from: 'here', text })
  const good = trusting(log.trustedRoot)
  const others = trusting(
    log.trustedRoot.replaceAll(Buffer.from(root).toString('base64'), Buffer.from(another).toString('base64')),
  )
  const certificateBy = async (trust: typeof good) => {
    const { checks } = await readEntry(entry, trust)
    return checks.find(({ name }) => name === 'certificate')?.state
  }
  t.not(others.text, good.text)
  t.equal(await certificateBy(good), 'verified')
  t.equal(await certificateBy(others), 'failed')
  t.equal(await certificateBy(good), 'verified')
  const afresh = await readEntry(entry, trusting(log.trustedRoot))
  t.strictSame((await readEntry(entry, good)).checks, afresh.checks)
})
