/* A browser starts no worker from a file that is opened from disk. Only there, the theme's search runs
   in a hidden frame instead, behind the part of Worker's interface that the theme uses. */
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(address) {
      super();
      this.frame = document.createElement("iframe");
      this.frame.hidden = true;
      this.ready = new Promise((resolve) => { this.frame.onload = resolve; });
      const source = new URL(address, location.href).href;
      const answer = "self.postMessage = (data) => parent.postMessage({ search: data }, '*');";
      this.frame.srcdoc = `<script>${answer}<\/script><script src="${source}"><\/script>`;
      this.hear = (event) => {
        if (event.source === this.frame.contentWindow && "search" in event.data) {
          const message = new MessageEvent("message", { data: event.data.search });
          this.dispatchEvent(message);
          if (this.onmessage) this.onmessage(message);
        }
      };
      window.addEventListener("message", this.hear);
      document.body.append(this.frame);
    }

    postMessage(data) {
      const copy = structuredClone(data); // as a worker gets one: what it changes is its own
      this.ready.then(() => this.frame.contentWindow.onmessage({ data: copy }));
    }

    terminate() {
      window.removeEventListener("message", this.hear);
      this.frame.remove();
    }
  };
}
