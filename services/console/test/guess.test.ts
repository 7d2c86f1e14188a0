import { sha256Hex } from '@sigstack/crypto'
import t from 'tap'
import { guess } from '../src/search/guess.ts'

const hex = (digits: number) => 'a0b1c2d3e4f5'.repeat(20).slice(0, digits)

const readings = (text: string): readonly string[] => {
  const guessed = guess(text)
  return guessed.go === 'search' ? guessed.readings.map(({ as }) => as) : [guessed.go]
}

t.test('what is typed is read as what it looks like', async (t) => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ['', ['nothing']],
    ['0', ['index']],
    [' 42 ', ['index']],
    [hex(80), ['entry']],
    [hex(64), ['digest', 'key']],
    [hex(96), ['digest']],
    [hex(128), ['digest']],
    [`sha256:${hex(64)}`, ['digest']],
    [hex(40), ['commit', 'digest', 'serial']],
    ['3d:38:0d:26', ['serial']],
    ['3d380d26e0336fee17', ['serial']],
    ['you@example.org', ['email']],
    ['https://github.com/a/b/.github/workflows/c.yml@refs/heads/main', ['uri', 'issuer']],
    ['spiffe://example.org/ns/a', ['uri', 'issuer']],
    ['*@example.org', ['nothing']],
    [`registry.example/team/app@sha256:${hex(64)}`, ['image']],
    ['registry.example:5000/team/app:v1', ['nothing']],
    ['alice!example.org', ['subject']],
    ['-----BEGIN PUBLIC KEY-----\nMFk=\n-----END PUBLIC KEY-----', ['publicKey']],
    ['ssh-ed25519 AAAA', ['publicKey']],
    ['x'.repeat(16_385), ['nothing']],
  ]
  for (const [text, expected] of cases) t.same(readings(text), expected, text.slice(0, 60))
})

t.test('a commit is looked for by the digest of its forty characters, as gitsign logs it', async (t) => {
  const guessed = guess(hex(40))
  t.match(guessed, { readings: [{ query: { digest: [`sha256:${sha256Hex(hex(40))}`] } }] })
})
