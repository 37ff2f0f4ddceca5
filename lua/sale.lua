-- Flash sales: what a sale leaves to whom, and how much a customer may buy. Twin: src/domain/sale.ts.
-- A sale sets a quantity of its SKU aside, in no particular warehouse, until it closes. It changes no figure of an item: it
-- is a limit that reserve checks, and it counts what became of its orders.

---@class Sale
---@field id string
---@field sku string
---@field opens_at_ms integer
---@field closes_at_ms integer
---@field quantity integer units set aside
---@field limit integer units that a customer may hold and buy; 0: any
---@field held integer units of open reservations
---@field sold integer units
---@field released integer units
---@field expired integer units

local quota_prefix = key_prefix .. CONST.QUOTA_KEY
local counts_read = {} -- "held bought" -> both as numbers; many customers have the same text
local counts_written = {} -- held -> bought -> that text: looking it up is cheaper than writing it

-- "opens_at_ms closes_at_ms quantity limit held sold released expired": a field of its SKU's hash. False for anything else.
function sales.read(sku, id, value)
  local opens_at, closes_at, quantity, limit, held, sold, released, expired =
    match(value, "^(%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%d+)$")
  if not opens_at then
    return false
  end
  sales.by_sku[sku] = sales.by_sku[sku] or {}
  sales.by_sku[sku][id] = {
    id = id,
    sku = sku,
    opens_at_ms = tonumber(opens_at),
    closes_at_ms = tonumber(closes_at),
    quantity = tonumber(quantity),
    limit = tonumber(limit),
    held = tonumber(held),
    sold = tonumber(sold),
    released = tonumber(released),
    expired = tonumber(expired),
  }
  return true
end

function sales.mark_changed(sale)
  if not sale.is_changed then
    sale.is_changed = true
    sales.changed[#sales.changed + 1] = sale
  end
end

function sales.write(sale)
  return format("%.0f %.0f %d %d %.0f %.0f %.0f %.0f", sale.opens_at_ms, sale.closes_at_ms, sale.quantity,
    sale.limit, sale.held, sale.sold, sale.released, sale.expired)
end

-- Units left in a sale. Once it is closed it sets nothing aside.
function sales.left_in(sale)
  if sale.closes_at_ms <= now_ms then
    return 0
  end
  return math.max(0, sale.quantity - sale.held - sale.sold)
end

-- Units of a SKU that an order may take: in a sale what is left in it, else what no sale has set aside.
function sales.open_to(sku, sale)
  local units = 0
  for _, item in pairs(stock.warehouses_of(sku)) do
    if not item.is_broken then
      units = units + item.available
    end
  end
  for _, other in pairs(sales.by_sku[sku]) do
    if other ~= sale then
      units = units - sales.left_in(other)
    end
  end
  return math.max(0, sale and min(units, sales.left_in(sale)) or units)
end

-- How many orders of this quantity, one after the other, sales allow an item to serve: `room` is what the item has for them,
-- `sale` and `units` what each takes in a sale (else nil). A lower bound: what other sales set aside may be elsewhere.
function sales.orders_within(item, room, quantity, sale, units)
  for _, other in pairs(sales.by_sku[item.sku]) do
    if other ~= sale then
      room = room - sales.left_in(other)
    end
  end
  local count = math.floor(room / quantity)
  return sale and min(count, math.floor(sales.left_in(sale) / units)) or count
end

-- The sale of this id among the sales of some lines' SKUs, and the lines' units of its SKU; nil and 0 where there is none.
function sales.find_in_lines(id, lines)
  local sale, units = nil, 0
  for _, line in ipairs(lines) do
    stock.warehouses_of(line.sku)
    local found = sales.by_sku[line.sku] and sales.by_sku[line.sku][id]
    if found then
      sale, units = found, units + line.quantity
    end
  end
  return sale, units
end

-- What customers have in a sale; those of this batch are read in one call.
local function quota_in(sale)
  local quota, customers = sales.quotas[sale.id], sales.customers
  if quota then
    return quota
  end
  local texts = {}
  for from = 1, #customers, 2000 do -- in slices, because unpack fails beyond some 8,000 values
    local to = min(from + 1999, #customers)
    local found = call("HMGET", quota_prefix .. sale.id, unpack(customers, from, to))
    for i = from, to do
      texts[customers[i]] = found[i - from + 1] or "0 0"
    end
  end
  quota = { sale = sale, texts = texts, changed = {} }
  sales.quotas[sale.id] = quota
  return quota
end

-- Units that a customer holds and has bought in a sale; read alone where the customer has no order in this batch.
local function counts_of(quota, customer)
  local text = quota.texts[customer]
  if not text then
    text = call("HGET", quota_prefix .. quota.sale.id, customer) or "0 0"
    quota.texts[customer] = text
  end
  local counts = counts_read[text]
  if not counts then
    local held, bought = match(text, "^(%d+) (%d+)$")
    counts = { held = tonumber(held), bought = tonumber(bought), is_broken = not held }
    counts_read[text] = counts
  end
  return counts
end

local function keep_counts(quota, customer, held, bought)
  local texts = counts_written[held]
  if not texts then
    texts = {}
    counts_written[held] = texts
  end
  local text = texts[bought]
  if not text then
    text = format("%d %d", held, bought)
    texts[bought] = text
  end
  quota.texts[customer] = text
  quota.changed[#quota.changed + 1] = customer
end

-- The refusal where a sale does not take this order: window, then limit; nil where it does.
function sales.refuse(sale, units, customer)
  if not sale then
    return "REFUSED unknown-sale"
  elseif now_ms < sale.opens_at_ms then
    return "REFUSED sale-not-open " .. digits(sale.opens_at_ms)
  elseif now_ms >= sale.closes_at_ms then
    return "REFUSED sale-closed " .. digits(sale.closes_at_ms)
  elseif sale.limit == 0 then
    return nil
  elseif not customer then
    return "REFUSED customer-required"
  end
  local counts = counts_of(quota_in(sale), customer)
  if counts.is_broken then
    return UNREADABLE
  elseif counts.held + counts.bought + units > sale.limit then
    return format("REFUSED purchase-limit-exceeded %d %d %d", sale.limit, counts.held, counts.bought)
  end
  return nil
end

-- Counts units as held by a customer; false, and nothing counted, where the sale's limit does not allow them.
function sales.hold_for(customer, sale, units)
  local quota = quota_in(sale)
  local counts = counts_of(quota, customer)
  if counts.is_broken or counts.held + counts.bought + units > sale.limit then
    return false
  end
  keep_counts(quota, customer, counts.held + units, counts.bought)
  return true
end

-- Counts the units of an order that the sale took.
function sales.count_held(sale, units, customer)
  sales.mark_changed(sale)
  sale.held = sale.held + units
  if customer and sale.limit > 0 then
    sales.hold_for(customer, sale, units)
  end
end

-- Moves units of an order from one figure of its sale (held, expired) to another (sold, released, expired).
function sales.count_ended(sale, units, customer, from, to)
  sales.mark_changed(sale)
  sale[from] = math.max(0, sale[from] - units)
  sale[to] = sale[to] + units
  if customer and sale.limit > 0 then
    local quota = quota_in(sale)
    local counts = counts_of(quota, customer)
    if counts.is_broken then
      return -- what cannot be read is left alone
    end
    local held = from == "held" and math.max(0, counts.held - units) or counts.held
    keep_counts(quota, customer, held, to == "sold" and counts.bought + units or counts.bought)
  end
end
