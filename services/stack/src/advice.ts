/** Settings that do not do what whoever set them may think. */
import { adviseOnVariables, isSet, isWildcard } from '@sigstack/server'
import { decidedHere } from './compose/decided-here.ts'
import { namesOf } from './compose/layers.ts'
import { type Config, variables } from './config.ts'
import { reachable } from './public-urls.ts'

const prefixes = [
  'SIGSTACK_',
  'LOG_',
  'CT_',
  'CA_',
  'OIDC_',
  'TRUST_',
  'TSA_',
  'WITNESS_',
  'MONITOR_',
  'CONSOLE_',
  'TUF_',
  'DEV_ISSUER_',
]

/** Read by the command, by tests, and by cosign. */
const elsewhere = ['SIGSTACK_INTEROP_CACHE', 'TUF_ROOT']

/** One sentence each. */
export function adviseOnSettings({ environment, host, publicUrls }: Config): readonly string[] {
  const decided = decidedHere.flatMap(({ schema, variables: names }) =>
    Object.entries(names).map(([name, by]) => ({ name, by, names: namesOf(schema, name) })),
  )
  const open = decidedHere.map(({ schema, variables: names }) => ({
    ...schema,
    properties: Object.fromEntries(
      Object.entries(schema.properties).filter(([name]) => !Object.hasOwn(names, name)),
    ),
  }))
  return [
    ...adviseOnVariables(environment, {
      schemas: [variables, ...open],
      prefixes,
      elsewhere: [...elsewhere, ...decided.flatMap(({ names }) => names)],
    }),
    ...decided.flatMap(({ name, by, names }) =>
      names
        // Former names, such as PORT, are mostly meant for somebody else.
        .filter((each) => each.startsWith(name) && isSet(environment[each]))
        .map(
          (each) =>
            `${each} does not count in one process: ${by === '' ? 'the stack decides it' : `${by} decides it`}`,
        ),
    ),
    ...(isWildcard(host) && Object.keys(publicUrls).length === 0
      ? [
          `SIGSTACK_HOST=${host} listens on every address, but the published files can only say ${reachable(host)}; name how clients reach the stack in SIGSTACK_PUBLIC_URL`,
        ]
      : []),
  ]
}
