-- Flash sales: what a sale leaves to whom, and who may buy how much. Twin: src/domain/sale.ts.
-- A sale stands beside the items of its SKU and sets a quantity of the SKU aside, in no particular warehouse, until it
-- closes. It moves no counter of an item: it is a bound that reserve looks at, and counts what became of its orders.

local changed_sales, changed_sale_count = {}, 0
local quotas = {} -- sale id -> customer -> units held and bought, as far as this batch asked
local changed_quotas = {} -- sale id -> its sale and a list of units
-- A sale that is closed so long has no hold left that could still count in it.
local SALE_AFTERLIFE_MS = 172800000
local dropped_sales = {} -- sku -> fields of its hash that go

local function mark_sale(sale)
  if not sale.is_changed then
    sale.is_changed = true
    changed_sale_count = changed_sale_count + 1
    changed_sales[changed_sale_count] = sale
  end
end

local function write_sale(sale)
  return string.format("%.0f %.0f %d %d %.0f %.0f %.0f %.0f", sale.opens_at_ms, sale.closes_at_ms, sale.quantity,
    sale.limit, sale.held, sale.sold, sale.released, sale.expired)
end

-- Units still to be had in a sale; what it set aside and did not sell is there for everybody once it is closed.
local function left_in(sale)
  if sale.closes_at_ms <= now_ms then
    return 0
  end
  return math.max(0, sale.quantity - sale.held - sale.sold)
end

-- Units of a SKU that an order may take: of a sale what is left in it, else what no sale has set aside.
local function open_to(sku, sale)
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

-- The sale of this name among the SKUs of some lines, and their units of its SKU.
local function sale_among(id, lines)
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

local function quota_of(sale, customer)
  local quota = quotas[sale.id]
  if not quota then
    quota = {}
    quotas[sale.id] = quota
  end
  local units = quota[customer]
  if not units then
    local held, bought = 0, 0
    local text = call("HGET", quota_prefix .. sale.id, customer)
    if text then
      held, bought = string.match(text, "^(%d+) (%d+)$")
    end
    units = { customer = customer, held = tonumber(held) or 0, bought = tonumber(bought) or 0 }
    quota[customer] = units
  end
  return units
end

local function mark_quota(sale, units)
  if not units.is_changed then
    units.is_changed = true
    local changed = changed_quotas[sale.id]
    if not changed then
      changed = { sale = sale }
      changed_quotas[sale.id] = changed
    end
    changed[#changed + 1] = units
  end
end

-- Whether a sale takes this order: window, then limit. Answers the refusal, or nil.
local function refuse_by_sale(sale, units, customer)
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
  local quota = quota_of(sale, customer)
  if quota.held + quota.bought + units > sale.limit then
    return string.format("REFUSED purchase-limit-exceeded %d %d %d", sale.limit, quota.held, quota.bought)
  end
  return nil
end

local function count_in(sale, units, customer, from, to)
  mark_sale(sale)
  if from then
    sale[from] = math.max(0, sale[from] - units)
  end
  sale[to] = sale[to] + units
  if sale.limit > 0 and customer then
    local quota = quota_of(sale, customer)
    if from == "held" then
      quota.held = math.max(0, quota.held - units)
    end
    if to == "held" then
      quota.held = quota.held + units
    elseif to == "sold" then
      quota.bought = quota.bought + units
    end
    mark_quota(sale, quota)
  end
end

-- Moves units of a sale's order from where they counted to where they count now: held, sold, released, expired.
local function tally(reservation, lines, from, to)
  if reservation.sale then
    local sale, units = sale_among(reservation.sale, lines)
    if sale then
      count_in(sale, units, reservation.customer, from, to)
    end
  end
end
