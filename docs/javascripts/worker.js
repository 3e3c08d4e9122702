// Browsers start no worker from the disk; there, the search runs in a frame of the page.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      document.body.append(frame);
      this.scope = frame.contentWindow;
      const load = (source) =>
        new Promise((done) => {
          const script = frame.contentDocument.createElement("script");
          script.src = new URL(source, location.href);
          script.onload = done;
          frame.contentDocument.body.append(script);
        });
      this.scope.importScripts = (...sources) => Promise.all(sources.map(load));
      this.scope.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }));
      this.loaded = load(url);
    }
    postMessage(data) {
      const MessageEvent = this.scope.MessageEvent;
      this.loaded.then(() => this.scope.dispatchEvent(new MessageEvent("message", { data })));
    }
  };
}
