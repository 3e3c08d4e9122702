// The editor, a run that is watched, and the review: all that a page without a script can't do.
"use strict"

const element = (name, text = "", values = {}) => {
  const made = Object.assign(document.createElement(name), values)
  made.textContent = text
  return made
}
const byId = id => document.getElementById(id)

async function send(address, values) {
  try {
    const reply = await fetch(address, {
      method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(values),
    })
    const type = reply.headers.get("Content-Type") || ""
    return type.includes("json") ? await reply.json() : {problems: [{message: await reply.text()}]}
  } catch {
    return {problems: [{message: "the page is not served any more", hint: "start `fabula view` again"}]}
  }
}

function worded(name, text) {
  const said = element(name)
  said.append(...text.split("`").map((part, at) => at % 2 ? element("code", part) : part))
  return said
}

function told(problem) {
  const said = worded("span", problem.message)
  if (problem.hint) said.append(worded("small", problem.hint))
  return said
}

// A list of what fits at the caret. Typing opens it and never chooses: Enter stays a new line
// until an arrow has marked a choice. Tab takes the marked one or the first, Escape closes.
function complete(text, address) {
  const list = byId("choices"), state = byId("choosing"), pen = document.createElement("canvas").getContext("2d")
  let found = null, at = -1, latest = 0, timer = 0

  function close() {
    latest++
    clearTimeout(timer)
    list.hidden = true
    found = null
    text.removeAttribute("aria-activedescendant")
    state.textContent = ""
  }

  function mark(index) {
    at = index
    for (const [number, item] of [...list.children].entries()) {
      item.setAttribute("aria-selected", number === at)
      if (number === at) item.scrollIntoView({block: "nearest"})
    }
    if (at >= 0) text.setAttribute("aria-activedescendant", `choice-${at}`)
    else text.removeAttribute("aria-activedescendant")
  }

  function place() {
    const look = getComputedStyle(text), box = text.getBoundingClientRect()
    pen.font = look.font
    const before = text.value.slice(0, text.selectionStart - found.left).split("\n")
    const x = box.left + parseFloat(look.paddingLeft) - text.scrollLeft + pen.measureText(before.at(-1)).width
    const top = box.top + parseFloat(look.paddingTop) + (before.length - 1) * parseFloat(look.lineHeight)
    const below = top + parseFloat(look.lineHeight) + 2
    list.style.left = `${Math.max(8, Math.min(x, document.documentElement.clientWidth - list.offsetWidth - 8))}px`
    list.style.top = `${below + list.offsetHeight > innerHeight ? Math.max(top - list.offsetHeight - 2, 4) : below}px`
  }

  function take(index) {
    const choice = found.choices[index], start = text.selectionStart - found.left
    text.setSelectionRange(start, text.selectionStart + found.right)
    close()
    document.execCommand("insertText", false, choice.text)  // the one way that can be undone
    const caret = start + choice.text.length - choice.back
    text.setSelectionRange(caret, caret)
    if (choice.text !== choice.label || choice.back) ask(false)
  }

  async function ask(marked) {
    const asked = ++latest, caret = text.selectionStart
    const answer = await send(`${address}/complete`,
      {before: text.value.slice(0, caret), after: text.value.slice(caret)})
    if (asked !== latest || caret !== text.selectionStart) return
    if (!answer.choices?.length) return close()
    found = answer
    list.replaceChildren(...answer.choices.map((choice, number) => {
      const item = element("li", "", {id: `choice-${number}`, role: "option"})
      item.append(element("b", choice.label), worded("small", choice.about))
      item.addEventListener("mousedown", event => { event.preventDefault(); take(number) })
      return item
    }))
    list.hidden = false
    place()
    mark(marked ? 0 : -1)
    state.textContent = `${answer.choices.length} choice${answer.choices.length > 1 ? "s" : ""}: arrows and Enter, or Tab`
  }

  text.addEventListener("input", event => {
    close()
    if (!event.inputType?.startsWith("insert") || event.inputType === "insertFromPaste") return
    const line = text.value.slice(0, text.selectionStart).split("\n").at(-1)
    if (/[\w{]$|[:,] $|^ *- $/.test(line)) timer = setTimeout(ask, 120, false)
  })
  text.addEventListener("keydown", event => {
    const count = found ? found.choices.length : 0
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey && !event.shiftKey
    const does = {
      ArrowDown: () => mark((at + 1) % count), ArrowUp: () => mark((at <= 0 ? count : at) - 1),
      Escape: close, Tab: () => take(Math.max(at, 0)), ...(at >= 0 && {Enter: () => take(at)}),
    }[event.key]
    if (event.key === " " && event.ctrlKey) { event.preventDefault(); ask(true) }
    else if (found && plain && does) { event.preventDefault(); does() }
    else if (["ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) close()
  })
  for (const event of ["blur", "click"]) text.addEventListener(event, close)
  for (const moved of [text, window]) moved.addEventListener("scroll", () => { if (found) place() })
}

function edit(form) {
  const text = byId("text"), gutter = byId("gutter"), notes = byId("notes"), list = byId("problems")
  const address = form.dataset.address
  let saved = text.value, version = form.dataset.version, latest = 0, timer = 0
  const fake = () => byId("fake").checked

  function goTo(line) {
    const start = text.value.split("\n").slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0)
    const end = text.value.indexOf("\n", start)
    text.focus()
    text.setSelectionRange(start, end < 0 ? text.value.length : end)
  }

  function show(problems) {
    const lines = text.value.split("\n")
    text.rows = Math.max(lines.length + 1, 12)
    const bad = new Map(problems.filter(each => each.line).map(each => [each.line, each]))
    gutter.replaceChildren(...lines.map((_, at) => {
      const number = element("span", at + 1)
      if (bad.has(at + 1)) number.className = "bad"
      return number
    }))
    notes.hidden = !bad.size
    notes.replaceChildren(...lines.map((_, at) => {
      const problem = bad.get(at + 1)
      return Object.assign(worded("span", problem ? problem.message : ""), {title: problem ? problem.message : ""})
    }))
    list.className = problems.length ? "problems bad" : "problems"
    list.replaceChildren(...problems.map(problem => {
      const item = element("li")
      if (problem.line) {
        const jump = element("button", `line ${problem.line}`, {type: "button"})
        jump.addEventListener("click", () => goTo(problem.line))
        item.append(jump, " ")
      }
      item.append(told(problem))
      return item
    }))
    byId("verdict").textContent = problems.length
      ? `${problems.length} problem${problems.length > 1 ? "s" : ""}` : "valid"
    byId("verdict").className = problems.length ? "chip fail" : "chip pass"
    form.dataset.settled = latest
  }

  async function check() {
    const asked = ++latest
    const answer = await send(`${address}/check`, {text: text.value})
    if (asked !== latest) return
    show(answer.problems)
    if (answer.problems.length) return
    byId("said").textContent = answer.said
    byId("models").hidden = !answer.asks
    const of = byId("of"), chosen = of.value
    of.replaceChildren(...answer.tables.map(name => element("option", name)))
    if (answer.tables.includes(chosen)) of.value = chosen
    byId("which").hidden = answer.tables.length < 2
  }

  function changed() {
    form.dataset.settled = ""
    byId("state").textContent = text.value === saved ? "saved" : "not saved yet"
    clearTimeout(timer)
    timer = setTimeout(check, 250)
  }

  async function save() {
    const wanted = text.value
    const answer = await send(`${address}/save`, {text: wanted, version})
    if (answer.problems) return show(answer.problems), false
    saved = wanted
    version = answer.version
    byId("state").textContent = "saved"
    return true
  }

  async function preview() {
    byId("preview").textContent = "making rows …"
    const answer = await send(`${address}/preview`, {text: text.value, fake: fake()})
    byId("preview").innerHTML = answer.html || ""  // from a template, which escapes every value
    if (answer.problems.length) show(answer.problems)
  }

  async function run() {
    if (text.value !== saved && !await save()) return
    const number = id => byId(id).value ? Number(byId(id).value) : null
    const answer = await send(`${address}/run`, {n: number("n"), of: byId("of").value,
      max_cost: number("budget"), fake: fake()})
    if (answer.problems) show(answer.problems)
    else location.assign(answer.address)
  }

  complete(text, address)
  text.addEventListener("input", changed)
  byId("save").addEventListener("click", save)
  byId("see").addEventListener("click", preview)
  byId("run").addEventListener("click", run)
  form.addEventListener("submit", event => event.preventDefault())
  addEventListener("keydown", event => {
    if (event.key === "s" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); save() }
  })
  addEventListener("beforeunload", event => { if (text.value !== saved) event.preventDefault() })
  check()
}

function watch(job) {
  const address = job.dataset.address
  const look = async () => {
    try {
      const run = await (await fetch(`${address}.json`)).json()
      if (run.state !== "running") return run.address ? location.replace(run.address) : location.reload()
      byId("left").textContent = run.left || (run.tables.length ? "" : "starting …")
      const shown = run.tables.flatMap(each => [
        element("dt", each.table),
        Object.assign(element("dd"), {}),
      ])
      run.tables.forEach((each, at) => shown[2 * at + 1].append(
        element("progress", "", {max: Math.max(each.asked, 1), value: each.done, ariaLabel: each.table}),
        element("small", each.said),
      ))
      byId("tables").replaceChildren(...shown)
    } catch {
      byId("left").textContent = "the page is not served any more"
      return
    }
    setTimeout(look, 500)
  }
  const act = (id, done) => byId(id) && byId(id).addEventListener("click", async () => {
    const answer = await send(`${address}/${id}`, {})
    if (answer.problems) byId("left").replaceChildren(told(answer.problems[0]))
    else done(answer)
  })
  act("stop", () => { byId("left").textContent = "stopping …" })
  act("again", answer => location.assign(answer.address))
  if (job.dataset.state === "running") look()
}

function review(page) {
  const {address, reviewer, row, next} = page.dataset
  const refused = answer => {
    byId("told").replaceChildren(...answer.problems.map(told))
    return answer.problems
  }

  async function judge(verdict) {
    const inputs = [...page.querySelectorAll(".fix")]
    const fixes = Object.fromEntries(inputs.filter(each => each.value).map(each => [each.name, each.value]))
    const comment = byId("comment").value
    const answer = await send(address, {reviewer, row: Number(row), verdict, comment, fixes})
    if (!answer.problems) location.assign(next)
    else refused(answer)
  }

  if (byId("begin")) byId("begin").addEventListener("submit", async event => {
    event.preventDefault()
    const name = byId("reviewer").value, n = byId("n") ? Number(byId("n").value) : undefined
    const answer = await send(address, {reviewer: name, n})
    if (!answer.problems) location.assign(`${address}?reviewer=${encodeURIComponent(name)}`)
    else refused(answer)
  })
  page.querySelectorAll("[data-verdict]").forEach(each => {
    each.addEventListener("click", () => judge(each.dataset.verdict))
  })
  addEventListener("keydown", event => {
    if (event.target.matches("input, textarea, select") || event.ctrlKey || event.metaKey || event.altKey) return
    const button = page.querySelector(`[aria-keyshortcuts="${CSS.escape(event.key)}"]`)
    if (button) button.click()
  })
}

if (byId("review")) review(byId("review"))
if (byId("editor")) edit(byId("editor"))
if (byId("job")) watch(byId("job"))
