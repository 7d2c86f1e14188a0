/** What a witness is sent and set up with, what a log reads of its witnesses, and proofs as files. */
import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import {
  canCosign,
  parseCheckpoint,
  parseNoteKey,
  parseTlogProof,
  parseWitnessPolicy,
  verifyLines,
} from '@sigstack/checkpoint'
import { parseLogs, parseSubmission } from '@sigstack/witness'
import type { Target } from './target.ts'

type Vector = { readonly vkey: string; readonly note: string }
const vectors = JSON.parse(
  readFileSync(new URL('../../packages/checkpoint/test/vectors/cosigned.json', import.meta.url), 'utf8'),
) as readonly Vector[]

const text = (input: Uint8Array): string => Buffer.from(input).toString('utf8')
const root = 'CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I='
const of = (make: (vector: Vector) => string) => vectors.map((vector) => Buffer.from(make(vector)))

/** The key of a witness as one of a log, whose type is another; its ID is of the name and the typed key (C2SP signed-note). */
function asKeyOfLog(vkey: string): string {
  const [name = '', , typed = ''] = vkey.split('+')
  const key = Buffer.from(typed, 'base64')
  key[0] = 1
  const id = hash('sha256', Buffer.concat([Buffer.from(`${name}\n`), key])).slice(0, 8)
  return `${name}+${id}+${key.toString('base64')}`
}

export function witnessTargets(): readonly Target[] {
  const refusals = ['CheckpointError']
  const keys = vectors.map(({ vkey }) => parseNoteKey(vkey))
  return [
    {
      name: 'witness-submission',
      form: 'text',
      seeds: of(({ note }) => `old 20\n${root}\n${root}\n\n${note}`),
      refusals: ['WitnessError'],
      run: (input) => parseSubmission(input),
    },
    {
      name: 'witness-logs',
      form: 'text',
      seeds: of(({ vkey }) => `# logs\nlogs/v0\n\nvkey ${asKeyOfLog(vkey)}\nqpd 5\norigin a - 1\n`),
      refusals: ['WitnessError'],
      run: (input) => parseLogs(text(input)),
    },
    {
      name: 'witness-policy',
      form: 'text',
      seeds: [
        Buffer.from(
          `${vectors.map(({ vkey }, at) => `witness w${at} ${vkey} https://w${at}.example/\n`).join('')}group g 1 w0 w1\nquorum g\n`,
        ),
      ],
      refusals,
      run: (input) => parseWitnessPolicy(text(input)),
    },
    {
      name: 'witness-key',
      form: 'text',
      seeds: of(({ vkey }) => vkey),
      refusals,
      run: (input) => parseNoteKey(text(input)),
    },
    {
      name: 'cosigned-checkpoint',
      form: 'text',
      seeds: of(({ note }) => note),
      refusals,
      run: async (input) => {
        const checkpoint = parseCheckpoint(text(input))
        for (const key of keys) canCosign(checkpoint, key)
        await verifyLines(checkpoint, keys)
      },
    },
    {
      name: 'tlog-proof',
      form: 'text',
      seeds: of(({ note }) => `c2sp.org/tlog-proof@v1\nextra eA==\nindex 5\n${root}\n\n${note}`),
      refusals,
      run: (input) => parseTlogProof(text(input)),
    },
  ]
}
