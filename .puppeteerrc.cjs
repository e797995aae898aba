// The browser comes from @sparticuz/chromium or from the system; puppeteer's own download is not needed.
module.exports = { skipDownload: true };
