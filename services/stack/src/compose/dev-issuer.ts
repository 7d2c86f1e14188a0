/** What the trial issuer is told. */
import { type Config, readConfig, variables } from '@sigstack/dev-issuer'
import type { Composition, DecidedHere } from './composition.ts'

export const decided = {
  schema: variables,
  variables: {
    DEV_ISSUER_HOST: 'SIGSTACK_HOST',
    DEV_ISSUER_PORT: 'SIGSTACK_DEV_ISSUER_PORT',
    DEV_ISSUER_DATA: 'SIGSTACK_DATA',
    DEV_ISSUER_URL: 'SIGSTACK_DEV_ISSUER_PUBLIC_URL',
  },
} as const satisfies DecidedHere

export function composeDevIssuer({ config, places, trialIssuer, read }: Composition): Config | undefined {
  return read(readConfig, decided, {
    standard: {},
    decided: {
      SIGSTACK_TRIAL: '1',
      DEV_ISSUER_HOST: config.host,
      DEV_ISSUER_PORT: String(places.ports.devIssuer),
      DEV_ISSUER_DATA: places.data.devIssuer,
      DEV_ISSUER_URL: trialIssuer,
    },
  })
}
