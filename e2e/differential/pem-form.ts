/** Everything about the text but the base64 itself. */
export function pemForm(pem: string): string {
  const lines = pem.split('\n')
  const end = lines.at(-1) === '' ? 'with final line feed' : 'without final line feed'
  const body = lines.filter((line) => line !== '' && !line.startsWith('-----'))
  const width = Math.max(...body.slice(0, -1).map((line) => line.length))
  return `${lines[0]}, lines of ${width}, ${end}`
}
