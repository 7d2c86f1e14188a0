/** dev.sigstore.fulcio.v2.CA: the same answers and refusals as the HTTP face (fulcio.md sections 1.2, 1.4 and 6). */
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import type { HandlerContext, ServiceImpl } from '@connectrpc/connect'
import { utf8 } from '@sigstack/crypto'
import { connectErrorOf, requestOf } from '@sigstack/server/grpc'
import type { Certificate } from '@sigstack/x509'
import type { IssuerEntry } from '../../identity/identity.ts'
import type { KeyApplication } from '../../issuance/requested-key.ts'
import type { IssueFor } from '../issue-for.ts'
import { MessageError } from '../message-error.ts'
import { chainsPem, describeIssuer } from '../published.ts'
import { refusalOf } from '../wording.ts'
import {
  type CA,
  ConfigurationSchema,
  type CreateSigningCertificateRequest,
  type OIDCIssuerSchema,
  SigningCertificateSchema,
  TrustBundleSchema,
} from './generated/dev/sigstore/fulcio/v2/fulcio_pb.ts'

export type AuthorityServiceOptions = {
  readonly issue: IssueFor
  readonly chains: () => readonly (readonly Certificate[])[]
  readonly issuers: () => readonly IssuerEntry[]
}

export function authorityService(options: AuthorityServiceOptions): ServiceImpl<typeof CA> {
  const { issue, chains, issuers } = options
  return {
    async createSigningCertificate(message, context) {
      const request = requestOf(context)
      try {
        const identityToken = tokenOf(message, context)
        const { chainPem, sct } = await issue(request, { identityToken, key: keyOf(message) })
        const certificates = chainPem.map((pem) => pem.trim())
        const value = { chain: { certificates } }
        return create(SigningCertificateSchema, {
          certificate:
            sct === 'none'
              ? { case: 'signedCertificateDetachedSct', value }
              : { case: 'signedCertificateEmbeddedSct', value },
        })
      } catch (error) {
        throw connectErrorOf(refusalOf(error, request))
      }
    },
    getTrustBundle: () =>
      create(TrustBundleSchema, {
        chains: chainsPem(chains()).map((certificates) => ({ certificates: [...certificates] })),
      }),
    getConfiguration: () => create(ConfigurationSchema, { issuers: issuers().map(issuerMessage) }),
  }
}

/** The message wins when it holds one; else the metadata, once. */
function tokenOf(message: CreateSigningCertificateRequest, { requestHeader }: HandlerContext): string {
  const { credentials } = message.credentials ?? {}
  if (credentials?.case === 'oidcIdentityToken' && credentials.value !== '') return credentials.value
  // Values of one key arrive joined by commas, which no token holds.
  const value = requestHeader.get('oidcidentitytoken') ?? ''
  if (value.includes(','))
    throw new MessageError('the metadata holds several identity tokens; send exactly one')
  return value
}

function keyOf({ key }: CreateSigningCertificateRequest): KeyApplication {
  if (key.case === 'certificateSigningRequest' && key.value.length > 0)
    return { kind: 'certificate_request', pem: key.value }
  if (key.case !== 'publicKeyRequest') return { kind: 'nothing' }
  const { publicKey, proofOfPossession } = key.value
  return { kind: 'public_key', content: utf8(publicKey?.content ?? ''), proof: proofOfPossession }
}

function issuerMessage(entry: IssuerEntry): MessageInitShape<typeof OIDCIssuerSchema> {
  const { issuerUrl, wildcardIssuerUrl, ...plain } = describeIssuer(entry)
  return {
    ...plain,
    issuer:
      wildcardIssuerUrl === undefined
        ? { case: 'issuerUrl', value: issuerUrl ?? '' }
        : { case: 'wildcardIssuerUrl', value: wildcardIssuerUrl },
  }
}
