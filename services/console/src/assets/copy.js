// A button at each command, and the answer to those who cannot see it.
const status = document.createElement('p')
status.className = 'unseen'
status.setAttribute('role', 'status')
document.body.append(status)

for (const command of document.querySelectorAll('pre.command')) {
  if (navigator.clipboard === undefined) break
  const text = command.textContent
  const button = document.createElement('button')
  button.type = 'button'
  button.className = 'copy'
  button.textContent = 'Copy'
  button.setAttribute('aria-label', `Copy: ${text.slice(0, 60)}`)
  button.addEventListener('click', () => {
    void navigator.clipboard.writeText(text).then(() => {
      status.textContent = 'Copied.'
    })
  })
  command.prepend(button)
}
