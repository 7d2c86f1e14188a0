/**
 * What a service whose keys are published can be: where it is configured, how it is asked, and where verifiers, signers
 * and older clients look for it. Another kind is an entry here, with its variables.
 */
import { pathVariable, urlVariable } from '@sigstack/server'
import type { TrustedRoot } from '@sigstack/trust-root'
import type { SigstoreMetadata } from '@sigstack/tuf'
import { Type } from 'typebox'
import {
  type Ask,
  askForLine,
  askForShardKeys,
  askForStampChains,
  askForTrustBundle,
} from './collection/ask.ts'

const urlOrNone = urlVariable({
  pattern: '^(https?://[^\\s?#]+|none)$',
  description: 'an http or https URL without query, or none',
})
const OptionalUrl = Type.Optional(urlVariable())
const OptionalPath = Type.Optional(pathVariable())

/** Of each: the URL for clients, the one that is asked, and a file in place of the answer. */
export const serviceVariables = {
  PUBLIC_CA_URL: urlVariable(),
  PUBLIC_REKOR_URL: urlOrNone,
  PUBLIC_REKOR_V2_URL: Type.Optional(urlOrNone),
  PUBLIC_CT_URL: urlOrNone,
  PUBLIC_TSA_URL: Type.Optional(urlOrNone),
  CA_URL: OptionalUrl,
  REKOR_URL: OptionalUrl,
  REKOR_V2_URL: OptionalUrl,
  CT_URL: OptionalUrl,
  TSA_URL: OptionalUrl,
  CA_CERTIFICATES_FILE: OptionalPath,
  REKOR_PUBLIC_KEY_FILE: OptionalPath,
  REKOR_V2_PUBLIC_KEY_FILE: OptionalPath,
  CT_PUBLIC_KEY_FILE: OptionalPath,
  TSA_CERTIFICATES_FILE: OptionalPath,
}

type ServiceVariable = keyof typeof serviceVariables

/** The lists of services in a signing config. */
export type SigningUrls = 'caUrls' | 'rekorTlogUrls' | 'tsaUrls'

type Kind = {
  readonly apiVersion: number
  /** Where it is listed for verifiers. */
  readonly list: keyof TrustedRoot
  /** Where it is listed for signers, if they speak to it. */
  readonly signingUrls?: SigningUrls
  /** Behind the URL, where the files name the whole endpoint. */
  readonly path?: string
  readonly ask: Ask
  readonly variables: Readonly<Record<'publicUrl' | 'url' | 'file', ServiceVariable>>
}

export type ServiceKind = 'ca' | 'rekor' | 'rekorV2' | 'ct' | 'tsa'

export const serviceKinds: Readonly<Record<ServiceKind, Kind>> = {
  ca: {
    apiVersion: 1,
    list: 'certificateAuthorities',
    signingUrls: 'caUrls',
    ask: askForTrustBundle,
    variables: { publicUrl: 'PUBLIC_CA_URL', url: 'CA_URL', file: 'CA_CERTIFICATES_FILE' },
  },
  rekor: {
    apiVersion: 1,
    list: 'tlogs',
    signingUrls: 'rekorTlogUrls',
    ask: askForShardKeys,
    variables: { publicUrl: 'PUBLIC_REKOR_URL', url: 'REKOR_URL', file: 'REKOR_PUBLIC_KEY_FILE' },
  },
  rekorV2: {
    apiVersion: 2,
    list: 'tlogs',
    signingUrls: 'rekorTlogUrls',
    ask: askForLine('/api/v2/log/shards'),
    variables: { publicUrl: 'PUBLIC_REKOR_V2_URL', url: 'REKOR_V2_URL', file: 'REKOR_V2_PUBLIC_KEY_FILE' },
  },
  ct: {
    apiVersion: 1,
    list: 'ctlogs',
    ask: askForLine('/shards'),
    variables: { publicUrl: 'PUBLIC_CT_URL', url: 'CT_URL', file: 'CT_PUBLIC_KEY_FILE' },
  },
  tsa: {
    apiVersion: 1,
    list: 'timestampAuthorities',
    signingUrls: 'tsaUrls',
    path: '/api/v1/timestamp',
    ask: askForStampChains,
    variables: { publicUrl: 'PUBLIC_TSA_URL', url: 'TSA_URL', file: 'TSA_CERTIFICATES_FILE' },
  },
}

export type OldName = {
  readonly name: string
  readonly extension: string
  readonly usage: SigstoreMetadata['usage']
}

/** The files that clients without a trusted root look for, by the list of the trusted root that has the same. */
export const oldNames = {
  certificateAuthorities: { name: 'fulcio', extension: '.crt.pem', usage: 'Fulcio' },
  tlogs: { name: 'rekor', extension: '.pub', usage: 'Rekor' },
  ctlogs: { name: 'ctfe', extension: '.pub', usage: 'CTFE' },
} as const satisfies Partial<Record<keyof TrustedRoot, OldName>>
