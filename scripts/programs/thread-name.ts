/** A thread in the bundle, by its source from the root on: all of them lie in one folder. */
export function nameOfThread(source: string): string {
  return source.replace(/\.ts$/, '').replaceAll('/', '-')
}
