-- The tables of a trading company: products, suppliers, orders, territories.
CREATE TABLE `categories` (
  `category_id` smallint NOT NULL AUTO_INCREMENT,
  `category_name` varchar(15) NOT NULL,
  `description` text,
  `picture` longblob,
  PRIMARY KEY (`category_id`),
  UNIQUE KEY `category_name` (`category_name`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COMMENT='kinds of goods';
CREATE TABLE `suppliers` (
  `supplier_id` int unsigned NOT NULL AUTO_INCREMENT,
  `company_name` varchar(40) NOT NULL,
  `contact_name` varchar(30) DEFAULT NULL,
  `address` varchar(60) DEFAULT NULL,
  `city` varchar(15) DEFAULT NULL,
  `phone` varchar(24) DEFAULT NULL,
  PRIMARY KEY (`supplier_id`)
) ENGINE=InnoDB;
CREATE TABLE `products` (
  `product_id` int NOT NULL AUTO_INCREMENT,
  `product_name` varchar(40) NOT NULL,
  `supplier_id` int unsigned DEFAULT NULL,
  `category_id` smallint DEFAULT NULL,
  `unit_price` decimal(10,2) NOT NULL DEFAULT 0 CHECK (`unit_price` >= 0),
  `units_in_stock` smallint NOT NULL CHECK (`units_in_stock` >= 0),
  `discontinued` tinyint(1) NOT NULL DEFAULT 0 COMMENT 'whether it is no longer sold',
  PRIMARY KEY (`product_id`),
  KEY `supplier` (`supplier_id`),
  CONSTRAINT `product_supplier` FOREIGN KEY (`supplier_id`) REFERENCES `suppliers` (`supplier_id`),
  CONSTRAINT `product_category` FOREIGN KEY (`category_id`) REFERENCES `categories` (`category_id`)
) ENGINE=InnoDB;
CREATE TABLE `customers` (
  `customer_id` char(5) NOT NULL,
  `company_name` varchar(40) NOT NULL,
  `country` varchar(15) DEFAULT NULL,
  `grade` enum('gold','silver','it''s new') NOT NULL DEFAULT 'silver',
  `flags` set('vip','export') DEFAULT NULL,
  PRIMARY KEY (`customer_id`)
) ENGINE=InnoDB;
CREATE TABLE `employees` (
  `employee_id` int NOT NULL AUTO_INCREMENT,
  `last_name` varchar(20) NOT NULL,
  `first_name` varchar(10) NOT NULL,
  `birth_date` date DEFAULT NULL,
  `hire_date` date DEFAULT NULL,
  `reports_to` int DEFAULT NULL,
  PRIMARY KEY (`employee_id`),
  CONSTRAINT `boss` FOREIGN KEY (`reports_to`) REFERENCES `employees` (`employee_id`),
  CONSTRAINT `hired_later` CHECK (`hire_date` > `birth_date`)
) ENGINE=InnoDB;
CREATE TABLE `region` (
  `region_id` int NOT NULL AUTO_INCREMENT,
  `region_description` varchar(60) NOT NULL,
  PRIMARY KEY (`region_id`)
) ENGINE=InnoDB;
CREATE TABLE `territories` (
  `territory_id` varchar(20) NOT NULL,
  `territory_description` varchar(60) NOT NULL,
  `region_id` int NOT NULL,
  PRIMARY KEY (`territory_id`),
  FOREIGN KEY (`region_id`) REFERENCES `region` (`region_id`)
) ENGINE=InnoDB;
CREATE TABLE `employee_territories` (
  `employee_id` int NOT NULL,
  `territory_id` varchar(20) NOT NULL,
  PRIMARY KEY (`employee_id`,`territory_id`),
  FOREIGN KEY (`employee_id`) REFERENCES `employees` (`employee_id`),
  FOREIGN KEY (`territory_id`) REFERENCES `territories` (`territory_id`)
) ENGINE=InnoDB;
CREATE TABLE `orders` (
  `order_id` int NOT NULL AUTO_INCREMENT,
  `customer_id` char(5) DEFAULT NULL,
  `employee_id` int DEFAULT NULL,
  `order_date` datetime NOT NULL,
  `shipped_date` datetime DEFAULT NULL,
  `freight` decimal(8,2) DEFAULT NULL,
  `year_placed` int GENERATED ALWAYS AS (year(`order_date`)) STORED,
  PRIMARY KEY (`order_id`),
  FOREIGN KEY (`customer_id`) REFERENCES `customers` (`customer_id`),
  FOREIGN KEY (`employee_id`) REFERENCES `employees` (`employee_id`),
  CHECK (`shipped_date` >= `order_date`)
) ENGINE=InnoDB;
CREATE TABLE `order_details` (
  `order_id` int NOT NULL,
  `product_id` int NOT NULL,
  `unit_price` decimal(10,2) NOT NULL,
  `quantity` smallint NOT NULL CHECK (`quantity` between 1 and 130),
  `discount` float NOT NULL CHECK (`discount` >= 0 and `discount` <= 1),
  PRIMARY KEY (`order_id`,`product_id`),
  FOREIGN KEY (`order_id`) REFERENCES `orders` (`order_id`),
  FOREIGN KEY (`product_id`) REFERENCES `products` (`product_id`)
) ENGINE=InnoDB;
