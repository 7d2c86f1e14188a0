import path from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * For tests and benches: the words behind `node` that run the program of a room, given by its `src/main.ts`. `npm run` has bundled the
 * programs for those who start many, and says where.
 */
export function programOf(main: URL): readonly string[] {
  const file = fileURLToPath(main)
  const { BUNDLED_PROGRAMS: bundled } = process.env
  const room = path.basename(path.resolve(file, '../..'))
  return bundled === undefined ? [file] : ['--enable-source-maps', path.join(bundled, `${room}.js`)]
}
