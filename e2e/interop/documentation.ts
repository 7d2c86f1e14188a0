/** Puts a result into its place on the page of documentation, and touches nothing else there. */
import { readFile, writeFile } from 'node:fs/promises'
import { type Report, toMarkdown } from './report.ts'

const begin = '<!-- matrix: written by npm run interop -- --write -->'
const end = '<!-- end of matrix -->'

export async function writeIntoPage(file: string, report: Report): Promise<void> {
  const page = await readFile(file, 'utf8')
  const [from, to] = [page.indexOf(begin), page.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`${file} lacks the lines ${begin} and ${end}`)
  await writeFile(file, `${page.slice(0, from)}${begin}\n\n${toMarkdown(report)}\n${page.slice(to)}`)
}
