-- One order a request, each with ids of its own.
local count, run = 0, ""
local threads = 0
function setup(thread) thread:set("number", threads); threads = threads + 1 end
function init(arguments) run = os.getenv("RUN") .. "-" .. number end
function request()
  count = count + 1
  local id = run .. "-" .. count
  local body = '{"type":"order.placed","id":"' .. id .. '","occurred_at":"2026-03-02T10:00:00Z","data":{"order_id":"' .. id ..
    '","customer_id":"c' .. (count % 5000) .. '","channel":"web","country":"DE","lines":[{"sku":"A' .. (count % 100) ..
    '","quantity":2,"unit_price":1250},{"sku":"B","quantity":1,"unit_price":500,"category":"x"}]}}'
  return wrk.format("POST", "/api/v1/events", {["Content-Type"] = "application/json", ["Authorization"] = "Bearer " .. os.getenv("KEY")}, body)
end
