/**
 * What a bundle holds, as an indented list in the words of `cosign bundle inspect`. Nothing of it is
 * verified.
 */
import { X509Certificate } from 'node:crypto'
import { parseCheckpoint } from '@sigstack/checkpoint'
import { memberAt, parseBase64, parseBoundedJson, parseUtf8, toHex } from '@sigstack/crypto'
import { parseSctList } from '@sigstack/ct'
import type { Bundle, Envelope, LogEntry } from '@sigstack/verification'
import {
  type Certificate,
  certificateSubjects,
  describeFulcioExtension,
  embeddedScts,
  fulcioArc,
  parseCertificate,
} from '@sigstack/x509'

/** A line, and those below it. */
type Line = string | readonly [line: string, below: readonly Line[]]

export function describeBundle(mediaType: string, bundle: Bundle): string {
  const { material, entries, timestamps, content } = bundle
  const lines: readonly Line[] = [
    `Bundle Media Type: ${mediaType}`,
    [
      'Verification Material:',
      [
        'certificate' in material
          ? ['Content: X.509 Certificate', certificateLines(material.certificate)]
          : ['Content: Public Key Identifier', [`Hint: ${hintOf(material.keyHint)}`]],
        ...listed('Transparency Log Entries', 'Entry', entries.map(entryLines)),
        ...(timestamps.length === 0
          ? []
          : [
              [
                'Timestamp Verification Data:',
                listed(
                  'RFC3161 Timestamps',
                  'Timestamp',
                  timestamps.map((each) => [present('Response', each)]),
                ),
              ] as const,
            ]),
      ],
    ],
    ['Content:', content.type === 'envelope' ? envelopeLines(content) : messageLines(content)],
  ]
  return `${lines.flatMap((line) => render(line, '')).join('\n')}\n`
}

function render(line: Line, indent: string): readonly string[] {
  const [text, below] = typeof line === 'string' ? [line, []] : line
  // Text from outside has no line of its own.
  const own = `${indent}- ${text.replaceAll('\n', '\\n')}`
  return [own, ...below.flatMap((each) => render(each, `${indent}  `))]
}

/** A count, and each by its number. */
function listed(plural: string, single: string, items: readonly (readonly Line[])[]): readonly Line[] {
  if (items.length === 0) return []
  return [[`${plural}: ${items.length}`, items.map((below, i) => [`${single} [${i}]:`, below])]]
}

function present(name: string, bytes: Uint8Array): string {
  return `${name}: Present (${bytes.length} bytes)`
}

function hintOf(hint: string): string {
  try {
    return toHex(parseBase64(hint))
  } catch {
    return hint
  }
}

const messageLines = (content: Extract<Bundle['content'], { type: 'message' }>): readonly Line[] => [
  'Type: Message Signature',
  [
    'Message Digest:',
    [`Algorithm: ${content.algorithm.replace('sha', 'SHA2_')}`, present('Digest', content.digest)],
  ],
  present('Signature', content.signature),
]

function envelopeLines({ payload, payloadType, signature }: Envelope): readonly Line[] {
  return [
    'Type: DSSE Envelope',
    `Payload Type: ${payloadType}`,
    present('Payload', payload),
    ...statementLines(payload),
    ['Signatures: 1', [['Signature [0]:', [present('Signature', signature)]]]],
  ]
}

function statementLines(payload: Uint8Array): readonly Line[] {
  try {
    const statement = parseBoundedJson(parseUtf8(payload) ?? '')
    const subject = memberAt(statement, 'subject')
    const subjects: readonly unknown[] = Array.isArray(subject) ? subject : []
    const names = subjects.slice(0, 100).map((each) => `Name: ${textOf(memberAt(each, 'name'))}`)
    return [
      [
        'Payload Content (in-toto):',
        [
          `Predicate Type: ${textOf(memberAt(statement, 'predicateType'))}`,
          [`Subjects: ${subjects.length}`, names],
        ],
      ],
    ]
  } catch {
    return []
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : 'none'
}

function entryLines(entry: LogEntry): readonly Line[] {
  const { promise, proof, integratedTime } = entry
  const claimed = promise === undefined && integratedTime !== 0n ? ' (no promise covers it)' : ''
  return [
    `Log Index: ${entry.logIndex}`,
    `Log ID: ${toHex(entry.logId)}`,
    `Kind: ${entry.kind}`,
    `Version: ${entry.version}`,
    `Integrated Time: ${integratedTime === 0n ? '0 (Not set)' : shortTime(Number(integratedTime) * 1000)}${claimed}`,
    ...(promise ? ([['Inclusion Promise:', [present('Signed Entry Timestamp', promise)]]] as const) : []),
    ...(proof ? ([['Inclusion Proof:', proofLines(proof)]] as const) : []),
    present('Canonicalized Body', entry.body),
  ]
}

function proofLines(proof: NonNullable<LogEntry['proof']>): readonly Line[] {
  const lines = [
    `Log Index: ${proof.logIndex}`,
    `Tree Size: ${proof.treeSize}`,
    `Hashes: ${proof.hashes.length}`,
  ]
  try {
    const { origin, treeHead, signatures } = parseCheckpoint(proof.checkpoint ?? '')
    const witnesses = signatures.map(({ name, signature }) => `${name}: ${present('Signature', signature)}`)
    const checkpoint: readonly Line[] = [
      `Origin: ${origin}`,
      `Tree Size: ${treeHead.size}`,
      [`Witnesses: ${witnesses.length}`, witnesses],
    ]
    return [...lines, ['Checkpoint:', checkpoint]]
  } catch {
    return proof.checkpoint === undefined ? lines : [...lines, 'Checkpoint: it cannot be read']
  }
}

function certificateLines(der: Uint8Array): readonly Line[] {
  try {
    const certificate = parseCertificate(der)
    const issuer = new X509Certificate(der).issuer.split('\n')
    return [
      ['Issuer:', issuer],
      [
        'Validity:',
        [
          `Not Before: ${shortTime(certificate.notBefore.getTime())}`,
          `Not After: ${shortTime(certificate.notAfter.getTime())}`,
        ],
      ],
      ['Subject Public Key Info:', [`Algorithm: ${keyKind(certificate)}`]],
      ['Extensions:', [...identityLines(certificate), ...sctLines(der)]],
      present('Signature', certificate.signature),
    ]
  } catch {
    return [`${present('Certificate', der)}, which cannot be read`]
  }
}

function keyKind({ publicKey }: Certificate): string {
  if (publicKey.type === 'ecdsa') return `ECDSA, ${publicKey.curve}`
  return publicKey.type === 'rsa' ? `RSA, ${publicKey.modulusBits} bits` : 'Ed25519'
}

function identityLines(certificate: Certificate): readonly Line[] {
  const claims = certificate.extensions
    .filter(({ oid }) => oid.startsWith(`${fulcioArc}.`))
    .map(describeFulcioExtension)
  return [
    ['Identity (Subject Alternative Name):', [...certificateSubjects(certificate)]],
    ...claims.map(({ oid, name, value }) => `${name} (${oid.slice(fulcioArc.length)}): ${value}`),
  ]
}

function sctLines(der: Uint8Array): readonly Line[] {
  const encoded = embeddedScts(der)
  if (encoded === undefined) return []
  const scts = parseSctList(encoded)
  return listed(
    'Signed Certificate Timestamps',
    'Signed Certificate Timestamp',
    scts.map(({ logId, timestampMs }) => [`Log ID: ${toHex(logId)}`, `Timestamp: ${shortTime(timestampMs)}`]),
  )
}

function shortTime(ms: number): string {
  const time = new Date(ms)
  return Number.isNaN(time.getTime()) ? String(ms) : `${time.toISOString().slice(0, 19)}Z`
}
