/** Every setting is an item of its page, under its present name and with its default, and no page names another. */
import { readFileSync } from 'node:fs'
import { variables as ca } from '@sigstack/ca'
import { variables as console } from '@sigstack/console'
import { variables as devIssuer } from '@sigstack/dev-issuer'
import { variables as log } from '@sigstack/log'
import { variables as monitor } from '@sigstack/monitor'
import { variables as oidcProxy } from '@sigstack/oidc-proxy'
import { variables as trust } from '@sigstack/trust'
import { variables as tsa } from '@sigstack/tsa'
import { variables as witness } from '@sigstack/witness'
import t from 'tap'
import type { TObject, TSchema } from 'typebox'
import { variables as stack } from '../src/config.ts'

const documented: readonly {
  readonly pages: readonly string[]
  readonly schemas: readonly TObject[]
  /** What the page names of settings that another page has. */
  readonly others?: readonly TObject[]
}[] = [
  { pages: ['operations/log-settings.md'], schemas: [log] },
  { pages: ['dialects/fulcio.md'], schemas: [ca] },
  { pages: ['operations/oidc-proxy.md'], schemas: [oidcProxy] },
  { pages: ['operations/tsa.md'], schemas: [tsa] },
  { pages: ['operations/witness.md'], schemas: [witness] },
  { pages: ['operations/monitor.md'], schemas: [monitor] },
  { pages: ['operations/console.md'], schemas: [console] },
  { pages: ['trust.md', 'operations/trust-repository.md'], schemas: [trust] },
  {
    pages: ['operations/running.md'],
    schemas: [stack, devIssuer],
    others: [log, ca, oidcProxy, trust, tsa, witness, monitor, console],
  },
]

/** Names that others have made, which are read outside of the schemas. */
const conventions = ['HTTPS_PROXY', 'HTTPS_PROXY_FILE', 'NO_PROXY', 'OTEL_EXPORTER_OTLP_ENDPOINT']

type Item = { readonly names: readonly string[]; readonly value: string }

/** `NAME`, or several with words between; † marks secrets. Then what counts where nothing is set, and what it means. */
const form =
  /^- (`[A-Z][A-Z0-9_]+`(?: †)?(?:(?:,| or| \(or)\s+`[A-Z][A-Z0-9_]+(?:`|…`)\)?(?: †)?)*)(?:,\s+((?:`[^`]*`|[^`:])+?))?(?::\s|\.\n)/gm

for (const { pages, schemas, others = [] } of documented) {
  t.test(`${pages.join(' and ')}: the settings that are there, with their defaults`, async (t) => {
    const items = pages.flatMap(itemsOf)
    for (const [name, schema] of schemas.flatMap(({ properties }) => Object.entries(properties))) {
      const item = items.find(({ names }) => names.includes(name))
      if (item === undefined) t.fail(`${name} is not documented`)
      else t.ok(tells(item.value, schema), `${name} is ${defaultOf(schema)}, not ${item.value}`)
    }
    const known = new Set([...[...schemas, ...others].flatMap(namesOf), ...conventions])
    for (const { names } of items) for (const name of names) t.ok(known.has(name), `${name} is a setting`)
  })
}

/** The items of lists that begin with variables, as in `- \`NAME\`, default 5: what it means.` */
function itemsOf(page: string): readonly Item[] {
  const text = readFileSync(new URL(`../../../docs/${page}`, import.meta.url), 'utf8')
  return [...text.matchAll(form)].map(([, variables = '', standard = '']) => ({
    names: [...variables.matchAll(/`([A-Z][A-Z0-9_]+)`/g)].flatMap(([, name]) => name ?? []),
    value: standard.replace(/^default\s+/, ''),
  }))
}

function namesOf({ properties }: TObject): readonly string[] {
  return Object.entries(properties).flatMap(([name, schema]) =>
    'secret' in schema ? [name, `${name}_FILE`] : [name],
  )
}

/** As text; empty where nothing counts as set. */
function defaultOf(schema: TSchema): string {
  const { default: value = '' } = schema as { readonly default?: string | number }
  return String(value)
}

/** Nothing set, and an empty text, may be told in any words. */
function tells(value: string, schema: TSchema): boolean {
  const expected = defaultOf(schema)
  if (expected === '') return true
  const plain = value
    .replaceAll(/(?<=\d),(?=\d{3})/g, '')
    .replaceAll(/(\d+) MiB/g, (_, count: string) => String(Number(count) * 2 ** 20))
    .replaceAll(/(\d+) KiB/g, (_, count: string) => String(Number(count) * 2 ** 10))
  const words = plain.split(/[\s`,]+/)
  return words.includes(expected)
}
