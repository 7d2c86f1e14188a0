/** The part of the environment that is the CT face's own. */
import { quoted } from '@sigstack/crypto'
import { hasDotSegment, listOf, pathVariable, SettingsError, urlVariable } from '@sigstack/server'
import { type Static, Type } from 'typebox'
import { type LimitsConfig, limitsConfig, limitVariables } from '../../admission/limits-config.ts'

/** Where the settings of every face name none. */
export const ctDefaults = { port: 6962, bodyLimitBytes: 524_288 } as const

export const ctVariables = {
  ...limitVariables,
  CT_PREFIX: Type.String({
    default: '',
    pattern: '^(/[A-Za-z0-9._-]+)*$',
    maxLength: 200,
    description: 'a path such as /2026, without a slash at its end',
  }),
  /** Of a log that is made: its URL for those who submit, without scheme and slash at its end (static-ct-api). */
  CT_ORIGIN: Type.Optional(
    Type.String({
      pattern: '^[A-Za-z0-9._:\\[\\]-]+(/[A-Za-z0-9._-]+)*$',
      maxLength: 255,
      description: 'a host with its port and path, such as ct.example.org/2026',
    }),
  ),
  /** Whether SCTs name the index of their entry, as static-ct-api demands and older clients refuse. */
  CT_LEAF_INDEX: Type.Union([Type.Literal('off'), Type.Literal('on')], { default: 'off' }),
  CT_ROOTS_FILE: Type.Optional(pathVariable()),
  CT_ROOTS_URL: Type.Optional(urlVariable()),
  /** Dotted OIDs with commas between, or `any` leaf. */
  CT_EXTENDED_KEY_USAGES: Type.String({
    default: '1.3.6.1.5.5.7.3.3',
    pattern: '^(any|[0-9.]+( *, *[0-9.]+)*)$',
    maxLength: 1000,
    description: 'dotted OIDs with commas between, or any',
  }),
} as const

const Variables = Type.Object(ctVariables)

export type CtConfig = LimitsConfig & {
  readonly face: 'ct'
  /** Before `/ct/v1`, such as `/2026`; mostly empty. */
  readonly prefix: string
  /** Of a log that is made; default host name and prefix. */
  readonly origin?: string
  /** SCTs name the index of their entry. */
  readonly namesIndex?: boolean
  readonly roots: { readonly file: string } | { readonly url: string }
  /** Dotted OIDs; any leaf is taken where there are none. */
  readonly extendedKeyUsages: readonly string[]
}

/** Throws one error that names the variable. */
export function ctConfig(environment: Static<typeof Variables>): CtConfig {
  const { CT_ROOTS_FILE: file, CT_ROOTS_URL: url, CT_PREFIX: prefix, CT_ORIGIN: origin } = environment
  if ((file === undefined) === (url === undefined)) {
    throw new SettingsError(['set either CT_ROOTS_FILE or CT_ROOTS_URL for the accepted roots'])
  }
  for (const [name, path] of Object.entries({ CT_PREFIX: prefix, CT_ORIGIN: origin ?? '' }))
    if (hasDotSegment(path))
      throw new SettingsError([
        `${name} must not have . or .. between slashes, which clients take out of a URL: ${quoted(path, 200)}`,
      ])
  const usages = environment.CT_EXTENDED_KEY_USAGES
  const extendedKeyUsages = usages === 'any' ? [] : listOf(usages)
  const roots = file === undefined ? { url: url ?? '' } : { file }
  return {
    face: 'ct',
    prefix,
    ...(origin !== undefined && { origin }),
    namesIndex: environment.CT_LEAF_INDEX === 'on',
    roots,
    extendedKeyUsages,
    ...limitsConfig(environment),
  }
}
