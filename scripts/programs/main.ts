/**
 * `node scripts/programs/main.ts FOLDER`: the programs of the stack, bundled into FOLDER, which appears when it is whole. Nothing is done
 * where it is there already.
 */
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import path from 'node:path'
import { bundlePrograms } from './bundle.ts'

const root = path.resolve(import.meta.dirname, '../..')
const folder = path.resolve(process.argv[2] ?? 'dist/programs')

if (!existsSync(folder)) {
  mkdirSync(path.dirname(folder), { recursive: true })
  // Beside its place, from where every path to the sources is the same.
  const unfinished = mkdtempSync(`${folder}-`)
  try {
    await bundlePrograms(root, unfinished)
    renameSync(unfinished, folder)
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true })
    // Somebody else was quicker with the same.
    if (!existsSync(folder)) throw error
  }
}
