/** Requests signed before the clock starts, each one new to the log. */
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { encodeTimestampRequest } from '@sigstack/timestamp'
import { encodeRequest } from './http-socket.ts'

export type Issued = { readonly privateKey: KeyObject; readonly certificatePem: string }

export type SigningRequest = { readonly body: string; readonly privateKey: KeyObject }

/** A request for a certificate: a fresh P-256 key and the proof that it is held. */
export function signingRequest(token: string, email: string): SigningRequest {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const proof = sign('sha256', Buffer.from(email), privateKey)
  const body = JSON.stringify({
    credentials: { oidcIdentityToken: token },
    publicKeyRequest: {
      publicKey: { algorithm: 'ECDSA', content: publicKey.export({ format: 'pem', type: 'spki' }) },
      proofOfPossession: proof.toString('base64'),
    },
  })
  return { body, privateKey }
}

/** A certificate as every signer gets it, for entries of real size. */
export async function obtainCertificate(caUrl: string, token: string, email: string): Promise<Issued> {
  const { body, privateKey } = signingRequest(token, email)
  const answer = await fetch(`${caUrl}/api/v2/signingCert`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  })
  if (!answer.ok) throw new Error(`the CA answered ${answer.status}: ${await answer.text()}`)
  const { signedCertificateEmbeddedSct } = (await answer.json()) as {
    signedCertificateEmbeddedSct: { chain: { certificates: string[] } }
  }
  return { privateKey, certificatePem: `${signedCertificateEmbeddedSct.chain.certificates[0]}\n` }
}

/** A hashedrekord of a random digest: what cosign posts for a blob. */
export function hashedrekordBody(issued: Issued): string {
  const artifact = randomBytes(32)
  const signature = sign('sha256', artifact, issued.privateKey)
  const digest = createHash('sha256').update(artifact).digest('hex')
  return JSON.stringify({
    apiVersion: '0.0.1',
    kind: 'hashedrekord',
    spec: {
      data: { hash: { algorithm: 'sha256', value: digest } },
      signature: {
        content: signature.toString('base64'),
        publicKey: { content: Buffer.from(issued.certificatePem).toString('base64') },
      },
    },
  })
}

/** The same as a whole request. */
export function hashedrekordRequest(url: URL, issued: Issued): Buffer {
  return encodeRequest('POST', url, hashedrekordBody(issued), { Accept: 'application/json' })
}

/** The same to a log of Rekor v2. */
export function hashedrekordV2Request(url: URL, issued: Issued): Buffer {
  const artifact = randomBytes(32)
  const der = issued.certificatePem.replaceAll(/-----[A-Z ]+-----|\n/g, '')
  const body = JSON.stringify({
    hashedRekordRequestV002: {
      digest: createHash('sha256').update(artifact).digest('base64'),
      signature: {
        content: sign('sha256', artifact, issued.privateKey).toString('base64'),
        verifier: { x509Certificate: { rawBytes: der }, keyDetails: 'PKIX_ECDSA_P256_SHA_256' },
      },
    },
  })
  return encodeRequest('POST', url, body, { Accept: 'application/json' })
}

const payloadType = 'application/vnd.in-toto+json'

/** A dsse entry about an in-toto statement of `statementBytes` or a little more: what cosign posts for an attestation. */
export function dsseRequest(
  url: URL,
  issued: Issued,
  { statementBytes = 3000, signatures = 1 }: { statementBytes?: number; signatures?: number } = {},
): Buffer {
  const payload = Buffer.from(statementOf(randomBytes(32).toString('hex'), statementBytes))
  const signed = Buffer.concat([
    Buffer.from(`DSSEv1 ${payloadType.length} ${payloadType} ${payload.length} `),
    payload,
  ])
  const made = Array.from({ length: signatures }, () => ({
    sig: sign('sha256', signed, issued.privateKey).toString('base64'),
  }))
  const envelope = { payload: payload.toString('base64'), payloadType, signatures: made }
  const body = JSON.stringify({
    apiVersion: '0.0.1',
    kind: 'dsse',
    spec: {
      proposedContent: {
        envelope: JSON.stringify(envelope),
        verifiers: [Buffer.from(issued.certificatePem).toString('base64')],
      },
    },
  })
  return encodeRequest('POST', url, body, { Accept: 'application/json' })
}

/** SLSA provenance as a build service writes it, with as many dependencies as make up the length. */
function statementOf(sha256: string, leastBytes: number): string {
  const resolvedDependencies: object[] = []
  const statement = {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name: 'registry.example.org/app', digest: { sha256 } }],
    predicateType: 'https://slsa.dev/provenance/v1',
    predicate: {
      buildDefinition: { buildType: 'https://build.example.org/v1', resolvedDependencies },
      runDetails: { builder: { id: 'https://build.example.org/runner' } },
    },
  }
  while (JSON.stringify(statement).length < leastBytes) {
    const name = `pkg:npm/dependency-${resolvedDependencies.length}@1.0.0`
    const digest = createHash('sha256').update(name).digest('hex')
    resolvedDependencies.push({ uri: name, digest: { sha256: digest } })
  }
  return JSON.stringify(statement)
}

/** Bodies for a timestamp authority, made once and sent in turn: random digests, in DER as cosign asks. */
export function stampRequests(
  url: URL,
  { certificates, hasNonce }: { readonly certificates: boolean; readonly hasNonce: boolean },
): () => Buffer | undefined {
  const requests = Array.from({ length: 512 }, () => {
    const nonce = Buffer.concat([Uint8Array.of(1), randomBytes(8)])
    const body = encodeTimestampRequest({
      hash: 'sha256',
      imprint: randomBytes(32),
      certificates,
      ...(hasNonce && { nonce }),
    })
    const headers = {
      'Content-Type': 'application/timestamp-query',
      'Content-Length': String(body.length),
    }
    return Buffer.concat([encodeRequest('POST', url, undefined, headers), body])
  })
  let at = 0
  return () => requests[at++ % requests.length]
}
