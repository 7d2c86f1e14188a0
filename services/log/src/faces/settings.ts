/** The settings of all faces. A new face is its lines here, and the compiler asks for the one in `open-face.ts`. */
import { type Static, Type } from 'typebox'
import { type CtConfig, ctConfig, ctDefaults, ctVariables } from './ct/config.ts'
import { type RekorConfig, rekorConfig, rekorDefaults, rekorVariables } from './rekor-v1/config.ts'
import { type RekorV2Config, rekorV2Config, rekorV2Defaults, rekorV2Variables } from './rekor-v2/config.ts'

export type FaceConfig = RekorConfig | RekorV2Config | CtConfig

export const faceNames = Type.Union([Type.Literal('rekor-v1'), Type.Literal('rekor-v2'), Type.Literal('ct')])

export const faceVariables = { ...rekorVariables, ...rekorV2Variables, ...ctVariables } as const

const Variables = Type.Object({ LOG_FACE: faceNames, ...faceVariables })

/** Where the settings that every face has name none. */
export const faceDefaults = {
  'rekor-v1': rekorDefaults,
  'rekor-v2': rekorV2Defaults,
  ct: ctDefaults,
} satisfies Record<FaceConfig['face'], { readonly port: number; readonly bodyLimitBytes: number }>

const readers = { 'rekor-v1': rekorConfig, 'rekor-v2': rekorV2Config, ct: ctConfig } satisfies Record<
  FaceConfig['face'],
  unknown
>

/** Throws one error that names the variable. */
export function faceConfig(environment: Static<typeof Variables>): FaceConfig {
  return readers[environment.LOG_FACE](environment)
}
