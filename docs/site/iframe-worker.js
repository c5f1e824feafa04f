/* Search runs in a worker, which browsers refuse to pages opened from disk. There it runs in a
   hidden frame, which sends and receives messages as a worker does. */
if (location.protocol === "file:") {
  window.Worker = window.IFrameWorker = class extends EventTarget {
    constructor(url) {
      super()
      const frame = document.createElement("iframe")
      frame.hidden = true
      document.body.append(frame)
      this.inside = frame.contentWindow
      const page = this.inside.document
      page.open()
      page.write("<body></body>")
      page.close()
      this.inside.postMessage = data => this.dispatchEvent(new MessageEvent("message", { data }))
      const script = page.createElement("script")
      script.src = url
      this.ready = new Promise(done => { script.onload = done })
      page.body.append(script)
    }

    postMessage(data) {
      const message = () => this.inside.dispatchEvent(new MessageEvent("message", { data }))
      this.ready.then(message)
    }
  }
}
