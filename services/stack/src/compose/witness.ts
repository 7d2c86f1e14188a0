/** What the stack's own witness is told. */
import { type Config, readConfig, variables } from '@sigstack/witness'
import { witnessFiles } from '../own-witness.ts'
import type { Composition, DecidedHere } from './composition.ts'

export const decided = {
  schema: variables,
  variables: {
    WITNESS_HOST: '',
    WITNESS_DATA: 'SIGSTACK_DATA',
    WITNESS_LOGS_FILE: 'SIGSTACK_WITNESS',
  },
} as const satisfies DecidedHere

export function composeWitness({ places, insideHost, publicUrl, read }: Composition): Config | undefined {
  const { data, password, databaseUrl } = places
  const { hostname } = new URL(publicUrl('rekor'))
  return read(readConfig, decided, {
    standard: {
      WITNESS_KEY_PASSWORD: password,
      // Nobody but the logs asks it, and they are told where it is.
      WITNESS_PORT: '0',
      WITNESS_NAME: `witness.${hostname.replaceAll(/[^A-Za-z0-9.-]/g, '-')}`,
      WITNESS_DATABASE_CONNECTIONS: '2',
    },
    decided: {
      WITNESS_HOST: insideHost,
      WITNESS_DATA: data.witness,
      WITNESS_LOGS_FILE: witnessFiles(data.witness).logs,
      DATABASE_URL: databaseUrl,
    },
  })
}
