/** Every decoder that reads what strangers send, with good inputs to start from. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { explainToken, parseIssuerConfigText } from '@sigstack/ca'
import { encodeCheckpoint, encodeSignatureLine, parseCheckpoint, parseSignedNote } from '@sigstack/checkpoint'
import { defaultClientAlgorithms, parsePemBlocks, parsePublicKey, parsePublicKeyPem } from '@sigstack/crypto'
import {
  encodeExtraData,
  encodeSct,
  encodeSctList,
  merkleTreeLeaf,
  parseAddChainResponse,
  parseExtraData,
  parseMerkleTreeLeaf,
  parseSct,
  parseSctList,
} from '@sigstack/ct'
import { emptyRootHash, parseTilePath, tilePath } from '@sigstack/merkle'
import { verifyProposal, verifyRequest } from '@sigstack/rekor-entries'
import { parseClientTrustConfig, parseSigningConfig, parseTrustedRoot } from '@sigstack/trust-root'
import { readBundle } from '@sigstack/verification'
import {
  assertStrongKey,
  certificateSubjects,
  embeddedScts,
  parseCertificate,
  parseCertificateRequest,
  parseCertificatesPem,
  verifyChain,
} from '@sigstack/x509'
import { archiveTargets } from './archive-targets.ts'
import { signingRequestTarget } from './ca-target.ts'
import { createCa } from './ca-under-test.ts'
import { grpcTargets } from './grpc-targets.ts'
import { imageTargets } from './image-targets.ts'
import { ociTargets } from './oci-targets.ts'
import { searchKeyTargets } from './search-key-targets.ts'
import { ciToken, emailToken, issuerConfig, keyPem } from './seeds.ts'
import { signingTargets } from './signing-targets.ts'
import type { Target } from './target.ts'
import { timestampTargets } from './timestamp-targets.ts'
import { witnessTargets } from './witness-targets.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const read = (path: string): Buffer => readFileSync(`${root}${path}`)
const folder = (path: string, ending: string): Buffer[] =>
  readdirSync(`${root}${path}`)
    .filter((name) => name.endsWith(ending))
    .map((name) => read(`${path}/${name}`))
const text = (input: Uint8Array): string => Buffer.from(input).toString('utf8')
const bytes = (...texts: readonly string[]): readonly Uint8Array[] => texts.map((each) => Buffer.from(each))

const rekor = 'packages/rekor-entries/test/vectors'
const ct = 'packages/ct/test/vectors/certificate-transparency-go'
const trust = 'packages/trust-root/test/vectors'
const bundles = 'packages/verification/test/vectors/conformance'

/** Of Rekor v2: those that hold, and those that must not. */
function requestsOfV2(): readonly Uint8Array[] {
  return ['hashedrekord-v002', 'dsse-v002-legacy'].flatMap((name) => {
    const { cases } = JSON.parse(text(read(`${rekor}/rekor-v2/${name}.json`))) as {
      readonly cases: readonly { readonly request: unknown }[]
    }
    return cases.map(({ request }) => Buffer.from(JSON.stringify(request)))
  })
}

/** Of each entry kind: fixed proposals, and those derived from published bundles. */
function proposals(): readonly Uint8Array[] {
  const derived = folder(`${rekor}/derived`, '.json').flatMap((file): Uint8Array[] => {
    const value: unknown = JSON.parse(text(file))
    const list: readonly unknown[] = Array.isArray(value) ? value : [value]
    return list.flatMap((each) =>
      typeof each === 'object' && each !== null && 'proposal' in each
        ? [Buffer.from(JSON.stringify(each.proposal))]
        : [],
    )
  })
  return [...folder(`${rekor}/proposals`, '.json'), ...derived]
}

export async function createTargets(): Promise<readonly Target[]> {
  const pems = text(read('packages/x509/test/vectors/certificates.pem'))
  const certificates = parsePemBlocks(pems, 100).map(({ der }) => der)
  const [first = new Uint8Array()] = certificates
  const requests = folder('packages/x509/test/vectors/requests', '.pem')
  const keys = [
    ...folder('packages/x509/test/vectors/weak-keys', '.pem'),
    ...(['P-256', 'P-384', 'P-521'] as const).map(keyPem),
  ]
  const keyDers = keys.map((pem) => parsePemBlocks(text(pem), 1)[0]?.der ?? new Uint8Array())
  const sct = {
    logId: new Uint8Array(32).fill(7),
    timestampMs: 1_700_000_000_000,
    extensions: Uint8Array.of(0, 0, 5, 0, 0, 0, 0, 9),
    signature: { algorithm: 'ecdsa', signature: new Uint8Array(71).fill(0x30) },
  } as const
  const entry = { type: 'precert', issuerKeyHash: new Uint8Array(32), tbs: first } as const
  const leaf = { timestampMs: sct.timestampMs, extensions: sct.extensions, entry }
  const note = `${encodeCheckpoint({ origin: 'log.example.com', treeHead: { size: 123_456n, rootHash: emptyRootHash } })}\n${encodeSignatureLine({ name: 'log.example.com', keyHint: Uint8Array.of(1, 2, 3, 4), signature: new Uint8Array(64) })}`
  const issuers = parseIssuerConfigText(issuerConfig).issuers
  const now = new Date('2026-08-07T00:00:00Z')
  const ca = await createCa()
  const policy = { allowedAlgorithms: defaultClientAlgorithms, now: () => new Date() }
  const certificateRefusals = ['X509Error', 'CryptoError']
  return [
    {
      name: 'public-key-der',
      form: 'der',
      seeds: keyDers,
      refusals: certificateRefusals,
      run(input) {
        const key = parsePublicKey(input)
        assertStrongKey(key)
        return key.keyObject
      },
    },
    {
      name: 'public-key-pem',
      form: 'text',
      seeds: keys,
      refusals: ['CryptoError'],
      run: (input) => parsePublicKeyPem(text(input)),
    },
    {
      name: 'certificate',
      form: 'der',
      seeds: certificates,
      refusals: certificateRefusals,
      run(input) {
        const certificate = parseCertificate(input)
        certificateSubjects(input)
        embeddedScts(input)
        return certificate
      },
    },
    {
      name: 'certificate-chain',
      form: 'text',
      seeds: [Buffer.from(pems), Buffer.from(ca.chainPem)],
      refusals: certificateRefusals,
      run(input) {
        const chain = parseCertificatesPem(text(input), 20)
        return verifyChain(chain, { roots: chain.slice(-1), at: new Date() })
      },
    },
    {
      name: 'certificate-request',
      form: 'text',
      seeds: requests,
      refusals: certificateRefusals,
      run: (input) => parseCertificateRequest(text(input)).verifySelfSignature(),
    },
    {
      name: 'identity-token',
      form: 'jwt',
      seeds: bytes(ciToken, emailToken),
      refusals: [],
      run: (input) => explainToken(issuers, text(input), now),
    },
    {
      name: 'issuer-configuration',
      form: 'text',
      seeds: bytes(issuerConfig),
      // A file of the operator: whatever YAML or a rule complains of stops the start with its sentence.
      refusals: ['IssuerConfigError', 'YAMLParseError', 'ReferenceError', 'TemplateError'],
      run: (input) => parseIssuerConfigText(text(input)),
    },
    signingRequestTarget(ca, requests),
    ...grpcTargets(ca, requests),
    {
      name: 'sct',
      form: 'bytes',
      seeds: [encodeSct(sct), ...folder(ct, '.sct')],
      refusals: ['CtError'],
      run: parseSct,
    },
    {
      name: 'sct-list',
      form: 'bytes',
      seeds: [encodeSctList([sct]), encodeSctList([sct, sct])],
      refusals: ['CtError'],
      run: parseSctList,
    },
    {
      name: 'merkle-tree-leaf',
      form: 'bytes',
      seeds: [merkleTreeLeaf(leaf), merkleTreeLeaf({ ...leaf, entry: { type: 'x509', certificate: first } })],
      refusals: ['CtError'],
      run: parseMerkleTreeLeaf,
    },
    {
      name: 'extra-data',
      form: 'bytes',
      seeds: [
        encodeExtraData({ type: 'precert', precertificate: first, chain: certificates.slice(1, 3) }),
        encodeExtraData({ type: 'x509', chain: certificates.slice(0, 3) }),
      ],
      refusals: ['CtError'],
      run: (input) => [attempt(() => parseExtraData('x509', input)), parseExtraData('precert', input)],
    },
    {
      name: 'add-chain-response',
      form: 'json',
      seeds: [read(`${ct}/add-response.json`)],
      refusals: ['CtError'],
      run: (input) => parseAddChainResponse(text(input)),
    },
    {
      name: 'signed-note',
      form: 'text',
      seeds: bytes(note),
      refusals: ['CheckpointError'],
      run: (input) => parseSignedNote(text(input)),
    },
    {
      name: 'checkpoint',
      form: 'text',
      seeds: bytes(note),
      refusals: ['CheckpointError'],
      run: (input) => parseCheckpoint(text(input)),
    },
    {
      name: 'tile-path',
      form: 'text',
      seeds: bytes(
        tilePath({ level: 0, index: 1_234_067n, width: 256 }),
        tilePath({ level: 2, index: 5n, width: 17 }),
      ),
      refusals: [],
      run(input) {
        const tile = parseTilePath(text(input))
        // What is read as a tile has one path only.
        if (tile !== undefined && tilePath(tile) !== text(input))
          throw new Error(`two paths of one tile: ${text(input)}`)
        return tile
      },
    },
    {
      name: 'proposed-entry',
      form: 'json',
      seeds: proposals(),
      refusals: ['EntryError', 'SyntaxError'],
      run: (input) => verifyProposal(JSON.parse(text(input)), policy),
    },
    ...(['convert', 'legacy'] as const).map(
      (dsse): Target => ({
        name: `rekor-v2-request-${dsse}`,
        form: 'json',
        seeds: requestsOfV2(),
        refusals: ['EntryError'],
        run: (input) => verifyRequest(text(input), { allowedAlgorithms: defaultClientAlgorithms, dsse }),
      }),
    ),
    ...searchKeyTargets({
      pgp: [read(`${rekor}/inputs/pgp/valid_armored_public.pgp`), ...folder(`${rekor}/made`, '.asc')],
      x509: [...keys, Buffer.from(pems.slice(0, pems.indexOf('-----END') + 26))],
      minisign: folder(`${rekor}/inputs/minisign`, '.pub'),
      ssh: folder(`${rekor}/made`, '.pub'),
      tuf: [read(`${rekor}/inputs/tuf/root.json`), read(`${rekor}/inputs/tuf/1.root.json`)],
    }),
    ...ociTargets(),
    ...(await archiveTargets()),
    ...imageTargets(),
    ...signingTargets(),
    ...timestampTargets(),
    ...witnessTargets(),
    {
      name: 'bundle',
      form: 'json',
      seeds: [
        'happy-path-v0.2',
        'happy-path-v0.3-new-mediaType',
        'rekor2-happy-path',
        'happy-path-intoto-in-dsse-v3',
      ].map((name) => read(`${bundles}/${name}/bundle.sigstore.json`)),
      refusals: ['VerificationError'],
      run: (input) => readBundle(text(input)),
    },
    {
      name: 'trusted-root',
      form: 'json',
      seeds: folder(`${trust}/conformance`, '.json'),
      refusals: ['TrustRootError'],
      run: (input) => parseTrustedRoot(text(input)),
    },
    {
      name: 'signing-config',
      form: 'json',
      seeds: folder(`${trust}/signing-configs`, '.json'),
      refusals: ['TrustRootError'],
      run: (input) => parseSigningConfig(text(input)),
    },
    {
      name: 'client-trust-config',
      form: 'json',
      seeds: folder(`${trust}/client-trust-configs`, '.json'),
      refusals: ['TrustRootError'],
      run: (input) => parseClientTrustConfig(text(input)),
    },
  ]
}

function attempt(run: () => unknown): unknown {
  try {
    return run()
  } catch (error) {
    if (error instanceof Error && error.name === 'CtError') return undefined
    throw error
  }
}
