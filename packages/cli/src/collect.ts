/** For options that may be given several times: all their values, in order. */
export function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value]
}

/** The same, where one value may have several with commas between, as a line of CSV has: `a,b`, and `"a,b"` for a single one. */
export function collectList(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, ...fieldsOf(value)]
}

export function fieldsOf(line: string): readonly string[] {
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"(?=,|$)|([^,]*))/g)].map(
    ([, inQuotes, plain = '']) => inQuotes?.replaceAll('""', '"') ?? plain,
  )
}
