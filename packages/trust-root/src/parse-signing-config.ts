/** signing_config.json v0.2 and the client trust config v0.1, read strictly. */
import {
  badMember,
  integerOf,
  itemsOf,
  type JsonNode,
  memberAt,
  membersOf,
  oneOf,
  present,
  textOf,
} from '@sigstack/crypto'
import { mediaTypes } from './media-types.ts'
import { demandMediaType, trustedRootFrom, validityFrom } from './parse-trusted-root.ts'
import { readTrustFile } from './read-trust-file.ts'
import type {
  ClientTrustConfig,
  Service,
  ServiceConfiguration,
  ServiceSelector,
  SigningConfig,
} from './types.ts'

const maximumServices = 64
const selectors: readonly ServiceSelector[] = ['ANY', 'ALL', 'EXACT']

/** Throws a `TrustRootError`; also for the v0.1 form, which no current client reads. */
export function parseSigningConfig(text: string): SigningConfig {
  return readTrustFile(text, 'signing config', signingConfigFrom)
}

export function parseClientTrustConfig(text: string): ClientTrustConfig {
  return readTrustFile(text, 'client trust config', clientTrustConfigFrom)
}

function clientTrustConfigFrom(node: JsonNode): ClientTrustConfig {
  const members = membersOf(node, ['mediaType', 'trustedRoot', 'signingConfig'])
  demandMediaType(members.mediaType, mediaTypes.clientTrustConfig)
  return {
    trustedRoot: trustedRootFrom(present(members.trustedRoot, node, 'trustedRoot')),
    signingConfig: signingConfigFrom(present(members.signingConfig, node, 'signingConfig')),
  }
}

function signingConfigFrom(node: JsonNode): SigningConfig {
  // The media type first, so that the v0.1 form is called by its name and not by its odd members.
  demandMediaType(mediaTypeOf(node), mediaTypes.signingConfig)
  const members = membersOf(node, [
    'mediaType',
    'caUrls',
    'oidcUrls',
    'rekorTlogUrls',
    'rekorTlogConfig',
    'tsaUrls',
    'tsaConfig',
  ])
  const services = (list: JsonNode | undefined) => itemsOf(list, maximumServices).map(serviceFrom)
  return {
    caUrls: services(members.caUrls),
    oidcUrls: services(members.oidcUrls),
    rekorTlogUrls: services(members.rekorTlogUrls),
    tsaUrls: services(members.tsaUrls),
    ...(members.rekorTlogConfig && { rekorTlogConfig: configurationFrom(members.rekorTlogConfig) }),
    ...(members.tsaConfig && { tsaConfig: configurationFrom(members.tsaConfig) }),
  }
}

function mediaTypeOf({ value }: JsonNode): JsonNode | undefined {
  const found = memberAt(value, 'mediaType')
  return found === undefined ? undefined : { value: found, path: 'mediaType' }
}

function serviceFrom(node: JsonNode): Service {
  const members = membersOf(node, ['url', 'majorApiVersion', 'validFor', 'operator'])
  return {
    // Files with a bare host name are about, so what the text means is left to whoever connects.
    url: textOf(present(members.url, node, 'url')),
    majorApiVersion: integerOf(present(members.majorApiVersion, node, 'majorApiVersion')),
    ...(members.validFor && { validFor: validityFrom(members.validFor) }),
    ...(members.operator && { operator: textOf(members.operator) }),
  }
}

function configurationFrom(node: JsonNode): ServiceConfiguration {
  const members = membersOf(node, ['selector', 'count'])
  const selector = oneOf(present(members.selector, node, 'selector'), selectors)
  const count = members.count && integerOf(members.count)
  if (selector === 'EXACT' && !count)
    throw badMember(node.path, 'needs a count, because its selector is EXACT')
  return { selector, ...(count !== undefined && { count }) }
}
