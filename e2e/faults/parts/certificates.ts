/** A client of the CA during a fault, which keeps its certificates and holds the CT log to the SCTs in them. */
import { sha256, toBase64 } from '@sigstack/crypto'
import { merkleTreeLeaf, parseSctList } from '@sigstack/ct'
import { asHash, type Hash, leafHash, verifyInclusion } from '@sigstack/merkle'
import type { Endpoints } from '@sigstack/stack'
import { embeddedScts, extensionOid, parseCertificatesPem, removeExtension } from '@sigstack/x509'
import { signingRequest } from '../../support/requests.ts'
import { trialToken } from '../../support/stack-process.ts'

export type CertificateClient = {
  /** Throws on any other answer than a certificate, and 503 with Retry-After. */
  ask(): Promise<'issued' | 'refused'>
  /** Throws unless every certificate that was issued is in the CT log. */
  confront(): Promise<void>
  issued(): number
}

const email = 'faults@example.org'

export function createCertificateClient(endpoints: () => Endpoints): CertificateClient {
  const promised: Hash[] = []

  async function confront(): Promise<void> {
    const ct = `${endpoints().services.ct}/ct/v1`
    const head = await get<{ tree_size: number; sha256_root_hash: string }>(`${ct}/get-sth`)
    const root = asHash(Buffer.from(head.sha256_root_hash, 'base64'))
    for (const leaf of promised) {
      const query = `hash=${encodeURIComponent(toBase64(leaf))}&tree_size=${head.tree_size}`
      const proof = await get<{ leaf_index: number; audit_path: string[] }>(
        `${ct}/get-proof-by-hash?${query}`,
      )
      verifyInclusion(
        {
          leafIndex: BigInt(proof.leaf_index),
          treeSize: BigInt(head.tree_size),
          siblings: proof.audit_path.map((hash) => asHash(Buffer.from(hash, 'base64'))),
        },
        leaf,
        root,
      )
    }
  }

  return {
    ask: async () => {
      const { body } = signingRequest(await trialToken(endpoints(), email), email)
      const answer = await fetch(`${endpoints().services.ca}/api/v2/signingCert`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      })
      const text = await answer.text()
      if (answer.status === 503 && answer.headers.get('retry-after') !== null) return 'refused'
      if (answer.status !== 200) throw new Error(`the CA answered ${answer.status}: ${text}`)
      promised.push(...promisesIn(text))
      return 'issued'
    },
    confront,
    issued: () => promised.length,
  }
}

/** The leaves that the SCTs in an issued certificate promise to be in the log (RFC 6962 section 3.3). */
function promisesIn(answer: string): readonly Hash[] {
  const { signedCertificateEmbeddedSct } = JSON.parse(answer) as {
    signedCertificateEmbeddedSct: { chain: { certificates: string[] } }
  }
  const [certificate, issuer] = parseCertificatesPem(
    signedCertificateEmbeddedSct.chain.certificates.join('\n'),
  )
  if (certificate === undefined || issuer === undefined) throw new Error('the CA answered without a chain')
  const scts = embeddedScts(certificate.der)
  if (scts === undefined) throw new Error('the CA issued a certificate without SCT')
  const entry = {
    type: 'precert',
    issuerKeyHash: sha256(issuer.spki),
    tbs: removeExtension(certificate.tbs, extensionOid.sctList),
  } as const
  return parseSctList(scts).map(({ timestampMs, extensions }) =>
    leafHash(merkleTreeLeaf({ timestampMs, entry, extensions })),
  )
}

async function get<T>(url: string): Promise<T> {
  const answer = await fetch(url)
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${await answer.text()}`)
  return (await answer.json()) as T
}
