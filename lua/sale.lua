-- Flash sales: what a sale leaves to whom, and who may buy how much. Twin: src/domain/sale.ts.
-- A sale stands beside the items of its SKU and sets a quantity of the SKU aside, in no particular warehouse, until it
-- closes. It moves no counter of an item: it is a bound that reserve looks at, and counts what became of its orders.

local counts_read = {} -- "held bought" -> both as numbers; few texts are many customers'
local counts_written = {} -- held -> bought -> that text again: to write a number costs more than to look it up

-- "opens_at_ms closes_at_ms quantity limit held sold released expired": the text of a sale, beside the items of its SKU.
function read_sale(sku, id, value)
  local opens_at, closes_at, quantity, limit, held, sold, released, expired =
    string.match(value, "^(%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%d+)$")
  if not opens_at then
    return false
  end
  sales_of[sku] = sales_of[sku] or {}
  sales_of[sku][id] = {
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

function mark_sale(sale)
  if not sale.is_changed then
    sale.is_changed = true
    changed_sale_count = changed_sale_count + 1
    changed_sales[changed_sale_count] = sale
  end
end

function write_sale(sale)
  return string.format("%.0f %.0f %d %d %.0f %.0f %.0f %.0f", sale.opens_at_ms, sale.closes_at_ms, sale.quantity,
    sale.limit, sale.held, sale.sold, sale.released, sale.expired)
end

-- Units still to be had in a sale; what it set aside and did not sell is there for everybody once it is closed.
function left_in(sale)
  if sale.closes_at_ms <= now_ms then
    return 0
  end
  return math.max(0, sale.quantity - sale.held - sale.sold)
end

-- Units of a SKU that an order may take: of a sale what is left in it, else what no sale has set aside.
function open_to(sku, sale)
  local units = 0
  for _, item in pairs(warehouses_of(sku)) do
    if not item.is_broken then
      units = units + item.available
    end
  end
  for _, other in pairs(sales_of[sku]) do
    if other ~= sale then
      units = units - left_in(other)
    end
  end
  return math.max(0, sale and math.min(units, left_in(sale)) or units)
end

-- How many orders of so many of an item are covered by it alone, of a sale (else nil) by what is left in that, too. There
-- may be more: what other sales set aside is wherever the SKU is.
function orders_beside_sales(item, quantity, sale, units)
  local room = item.available
  for _, other in pairs(sales_of[item.sku]) do
    if other ~= sale then
      room = room - left_in(other)
    end
  end
  local count = math.floor(room / quantity)
  return sale and math.min(count, math.floor(left_in(sale) / units)) or count
end

-- The sale of this name among the SKUs of some lines, and their units of its SKU.
function sale_among(id, lines)
  local sale, units = nil, 0
  for _, line in ipairs(lines) do
    warehouses_of(line.sku)
    local found = sales_of[line.sku] and sales_of[line.sku][id]
    if found then
      sale, units = found, units + line.quantity
    end
  end
  return sale, units
end

-- What all customers of this batch have in a sale, asked in one go.
local function quota_in(sale)
  local quota = quotas[sale.id]
  if quota then
    return quota
  end
  local texts = {}
  for from = 1, #customers, 2000 do -- in slices, because unpack fails beyond some 8,000 values
    local to = math.min(from + 1999, #customers)
    local found = call("HMGET", quota_prefix .. sale.id, unpack(customers, from, to))
    for i = from, to do
      texts[customers[i]] = found[i - from + 1] or "0 0"
    end
  end
  quota = { sale = sale, texts = texts, changed = {} }
  quotas[sale.id] = quota
  return quota
end

-- Units that a customer holds and bought in a sale, of whom nobody asked in this batch looked up by itself.
local function counts_of(quota, customer)
  local text = quota.texts[customer]
  if not text then
    text = call("HGET", quota_prefix .. quota.sale.id, customer) or "0 0"
    quota.texts[customer] = text
  end
  local counts = counts_read[text]
  if not counts then
    local held, bought = string.match(text, "^(%d+) (%d+)$")
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
    text = string.format("%d %d", held, bought)
    texts[bought] = text
  end
  quota.texts[customer] = text
  quota.changed[#quota.changed + 1] = customer
end

-- Whether a sale takes this order: window, then limit. Answers the refusal, or nil.
function refuse_by_sale(sale, units, customer)
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
    return string.format("REFUSED purchase-limit-exceeded %d %d %d", sale.limit, counts.held, counts.bought)
  end
  return nil
end

-- Counts units to a customer as held, where a sale with a limit lets him have them; false where it does not.
function hold_for(customer, sale, units)
  local quota = quota_in(sale)
  local counts = counts_of(quota, customer)
  if counts.is_broken or counts.held + counts.bought + units > sale.limit then
    return false
  end
  keep_counts(quota, customer, counts.held + units, counts.bought)
  return true
end

-- An order that a sale takes holds its units.
function count_held(sale, units, customer)
  mark_sale(sale)
  sale.held = sale.held + units
  if customer and sale.limit > 0 then
    hold_for(customer, sale, units)
  end
end

-- Units of an order move from where they counted, held or expired, to where they count now: sold, released, expired.
function count_ended(sale, units, customer, from, to)
  mark_sale(sale)
  sale[from] = math.max(0, sale[from] - units)
  sale[to] = sale[to] + units
  if customer and sale.limit > 0 then
    local quota = quota_in(sale)
    local counts = counts_of(quota, customer)
    if counts.is_broken then
      return -- what cannot be read is left as it is
    end
    local held = from == "held" and math.max(0, counts.held - units) or counts.held
    keep_counts(quota, customer, held, to == "sold" and counts.bought + units or counts.bought)
  end
end

late.sale = true
