/** What the timestamp authority is told. */
import { type Config, readConfig, variables } from '@sigstack/tsa'
import type { Composition, DecidedHere } from './composition.ts'

export const decided = {
  schema: variables,
  variables: {
    TSA_HOST: 'SIGSTACK_HOST',
    TSA_PORT: 'SIGSTACK_TSA_PORT',
    TSA_DATA: 'SIGSTACK_DATA',
  },
} as const satisfies DecidedHere

export function composeTsa({ config, places, tlsOf, read }: Composition): Config | undefined {
  const { data, password, ports, databaseUrl } = places
  return read(readConfig, decided, {
    standard: { TSA_KEY_PASSWORD: password, TSA_ORGANIZATION: config.organization, ...tlsOf('TSA') },
    decided: {
      TSA_HOST: config.host,
      TSA_PORT: String(ports.tsa),
      TSA_DATA: data.tsa,
      DATABASE_URL: databaseUrl,
    },
  })
}
